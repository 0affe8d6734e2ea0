//! The JSON of the API, as the OpenAPI document describes it.
//!
//! Types that the domain does not serialise itself are built from it and
//! serialised here. Where the domain makes the JSON (credentials, audit
//! entries) the type here describes it, and a test holds the two together.

mod access;
mod account_region;
mod binding;
mod credential;
mod credential_type;
mod dns;
mod event;
mod installation;
mod page;
mod plugin;
mod problem;
mod region;
mod sync;

pub(crate) mod examples;

pub use access::{
    Account, Bindable, CreateAccount, CreateOperatorToken, CreateToken, Me, Member, MyAccount, NewToken, PatchAccount,
    PutMember, Role, Scope, Token, TokenKind,
};
pub use account_region::{AccountRegion, AttachRegion, OnDetach, SyncCounts};
pub use binding::{
    Binding, BoundCredential, CredentialUsage, CredentialUse, PutBinding, Resolve, ResolveImage, Resolved,
    ResolvedCredential, Source, UseProtocol, UsingBinding,
};
pub use credential::{
    Artifact, CreateCredential, Credential, CredentialItem, CredentialRow, CredentialVersion, Encoding, MadeBy,
    Materialize, Materialized, PatchCredential, RegionSync, Reveal, Revealed, Selector, Status, SyncState,
    VersionAction, Warning,
};
pub use credential_type::{CredentialType, Format, HintGroup, Hints, Slot, Template, Variant};
pub use dns::{CleanupDnsRecord, DnsProvider, DnsRecord, DnsRecordState, PresentDnsRecord, Probe, Probed};
pub use event::{CredentialEvent, RegionEvent, SyncEvent};
pub use installation::{
    AuditEntry, AuditReport, Checkpoint, Health, HealthEngine, Node, Outcome, Ready, ReadyCheck, Rekeyed,
};
pub use page::Page;
pub use plugin::{
    DecidePlugin, HostWish, PermissionDiff, Permissions, Placement, Plugin, PluginGrant, PluginState, TokenEndpoint,
};
pub use problem::{Conflict, InputError, Problem};
pub use region::{
    CreateRegion, DriftPolicy, PatchRegion, Region, RegionCheck, RegionItem, RegionLogin, RegionMode, RegionRow,
    RegionTarget, TargetSetting,
};
pub use sync::{EnsuredRegion, NotInPlace, PlanAction, PlanItem, PlanSummary, RegionPlan, SyncProgress, SyncedAccount};
