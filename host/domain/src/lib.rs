//! The areas under one name, until everybody names the area they use.

#![forbid(unsafe_code)]

pub use bursar_kernel::{
    Conflict, Error, IfMatch, Kind, Violation, audit, clock, id, integer, keys, nodes, plugin, secret, store, text,
};

/// Callers and accounts.
pub mod access {
    pub use bursar_access::{Member, Token, TokenText};
    pub use bursar_kernel::{
        Account, Authority, Bindable, Caller, Demand, Operation, Permit, Quotas, Request, Right, Role, Scope, TokenKind,
    };
}

/// Bindings.
pub mod binding {
    pub use bursar_bindings::{Binding, BindingView, ConsumerSlot, CredentialInSlot, Usage};
    pub use bursar_credentials::selector::{Host, Image, Term};
    pub use bursar_credentials::{Protocol, Use, Way};
    pub use bursar_kernel::{Consumer, Slot};
}

/// The broker.
pub mod broker {
    pub use bursar_access::{BindableChange, NewToken};
    pub use bursar_approvals::StoredDecisions;
    pub use bursar_bindings::{ListBindings, Resolved, Source};
    pub use bursar_broker::{Broker, BrokerParts};
    pub use bursar_credentials::{Deletion, ListCredentials, Materialized, Probed, Revealed};
    pub use bursar_dns::SweepFailure;
    pub use bursar_kernel::{Created, IdempotencyKey, Page, Ports};
    pub use bursar_regions::{
        AccountRegion, Ensured, Extent, NotInPlace, OnProgress, Plan, PlanAction, PlanItem, Progress, ReconcileOptions,
        Reconciled, RegionPorts, RegionView, Walk,
    };
}

/// Credentials.
pub mod credential {
    pub use bursar_credentials::{
        Credential, MadeBy, Status, SyncRow, Version, VersionAction, VersionView, View, Warning,
    };
}

/// DNS records.
pub mod dns {
    pub use bursar_dns::{DnsGrants, DnsRecord, Fqdn, NameRule, RecordState, provider_id};
}

/// Regions.
pub mod region {
    pub use bursar_kernel::{Done, Notice, Notices, PlacementNotice, SyncCount, SyncState};
    pub use bursar_regions::{
        Attachment, Attempt, DriftPolicy, Failure, Login, LoginReference, Mode, OnDetach, Owner, Pair, Parcel, Region,
        RemoteLocation, Removal, Seen, Setting, SyncStatus, Target, TargetError, TargetKind, Targets,
    };
}
