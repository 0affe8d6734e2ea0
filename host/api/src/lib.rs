//! The JSON of Bursar's HTTP API: one type for each body of a request and of an
//! answer, and the conversions from the domain's types.
//!
//! The server sends and reads these types, and makes the OpenAPI document of
//! them: their documentation is part of it. Nothing here authorizes or stores.

#![forbid(unsafe_code)]
#![expect(clippy::doc_markdown, reason = "OpenAPI is a name, not code")]

mod access;
mod account_region;
mod audit;
mod binding;
mod bodies;
mod body_schema;
mod change;
mod commands;
mod credential;
mod credential_secrets;
mod credential_type;
mod credential_version;
mod dns;
mod event;
mod installation;
mod page;
mod plugin;
mod problem;
mod region;
mod secret;
mod sync;

pub use access::{
    Account, Bindable, CreateAccount, CreateOperatorToken, CreateToken, Me, Member, MyAccount, NewToken, PatchAccount,
    PutMember, Role, Scope, Token, TokenKind,
};
pub use account_region::{AccountRegion, AttachRegion, OnDetach, SyncCounts};
pub use audit::{AuditEntry, AuditReport, Checkpoint, Outcome};
pub use binding::{
    Binding, BoundCredential, CredentialUsage, CredentialUse, PutBinding, Resolve, ResolveImage, Resolved,
    ResolvedCredential, Source, UseProtocol, UsingBinding,
};
pub use bodies::RequestBody;
pub use change::Change;
pub use credential::{
    CreateCredential, Credential, CredentialItem, CredentialRow, MadeBy, PatchCredential, RegionSync, Selector, Status,
    SyncState, Warning,
};
pub use credential_secrets::{Artifact, Encoding, Materialize, Materialized, Reveal, Revealed};
pub use credential_type::{CredentialType, Format, HintGroup, Hints, Slot, Template, Variant};
pub use credential_version::{CredentialVersion, VersionAction};
pub use dns::{CleanupDnsRecord, DnsProvider, DnsRecord, DnsRecordState, PresentDnsRecord, Probe, Probed};
pub use event::{CredentialEvent, RegionEvent, SyncEvent};
pub use installation::{Health, HealthEngine, Node, Ready, ReadyCheck, Rekeyed};
pub use page::Page;
pub use plugin::{
    DecidePlugin, HostWish, PermissionDiff, Permissions, Placement, Plugin, PluginGrant, PluginState, TokenEndpoint,
};
pub use problem::{Conflict, InputError, Problem};
pub use region::{
    CreateRegion, DriftPolicy, PatchRegion, Region, RegionCheck, RegionItem, RegionLogin, RegionMode, RegionRow,
    RegionTarget, TargetSetting,
};
pub use secret::SecretObject;
pub use sync::{EnsuredRegion, NotInPlace, PlanAction, PlanItem, PlanSummary, RegionPlan, SyncProgress, SyncedAccount};
