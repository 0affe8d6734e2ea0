use std::collections::BTreeMap;

use bursar_kernel::clock::rfc3339;
use bursar_kernel::plugin;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::SecretObject;

/// A credential to be stored.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCredential {
    /// A credential type's id.
    pub r#type: String,
    /// A slug, unique among the account's live credentials.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    pub name: String,
    /// For people.
    #[schema(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For people.
    #[schema(max_length = 2000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Free pairs, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether it shall be its type's default in the account. The first of a
    /// type that has defaults becomes it anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// False: nobody will ever be shown its secrets; they can still be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revealable: Option<bool>,
    /// The type's fields, secret ones included: see its `schema`.
    #[schema(value_type = Object)]
    pub data: SecretObject,
}

/// Changes to a credential: a merge patch (RFC 7396). An absent secret keeps
/// its value.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchCredential {
    /// A new name.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new title.
    #[schema(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A new description.
    #[schema(max_length = 2000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Labels to set; null removes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, Option<String>>>,
    /// May only go from true to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revealable: Option<bool>,
    /// Changes to the type's fields. Whoever changes where secrets go gives the
    /// secrets again.
    #[schema(value_type = Object)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<SecretObject>,
    /// The present type: not part of the description, and accepted as no change.
    #[schema(ignore)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
}

/// A credential. Its secrets are in none of its fields.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// Never changes.
    pub id: Uuid,
    /// The account's name.
    pub account: String,
    /// Its type's id.
    pub r#type: String,
    /// Its type's category.
    pub category: String,
    /// Unique among the account's live credentials.
    pub name: String,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// Free pairs.
    pub labels: BTreeMap<String, String>,
    /// Whether it is its type's default in the account.
    pub default: bool,
    /// Whether its secrets may be shown to those with the right.
    pub revealable: bool,
    /// The type's fields without the secret ones.
    #[schema(value_type = Object)]
    pub data: Value,
    /// JSON Pointers of the secret fields it has.
    pub secret_fields: Vec<String>,
    /// Facts that the type derives from the public data.
    #[schema(value_type = Object)]
    pub attributes: Value,
    /// What it is found by.
    pub selectors: Vec<Selector>,
    /// Until when it is usable.
    #[schema(format = DateTime, required)]
    pub expires_at: Option<String>,
    /// Whether it is usable now.
    pub status: Status,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Counts changes of `data`.
    pub version: u32,
    /// When it was created.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a user last changed it.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it was last revealed, handed out or put to use.
    #[schema(format = DateTime, required)]
    pub last_used_at: Option<String>,
    /// When it was deleted, while it can be restored.
    #[schema(format = DateTime, required)]
    pub deleted_at: Option<String>,
    /// How it stands in each region.
    pub sync: Vec<RegionSync>,
    /// The component that validated the current version.
    pub plugin: MadeBy,
}

/// A credential as those see it who may pick but not read.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialRow {
    /// Never changes.
    pub id: Uuid,
    /// The account's name.
    pub account: String,
    /// Its type's id.
    pub r#type: String,
    /// Its type's category.
    pub category: String,
    /// Unique among the account's live credentials.
    pub name: String,
    /// For people.
    pub title: String,
    /// Whether it is its type's default in the account.
    pub default: bool,
    /// Whether it is usable now.
    pub status: Status,
    /// The host names it covers.
    pub names: Vec<String>,
    /// Whether who asks may bind it.
    pub bindable: bool,
    /// Counts changes of its data.
    pub version: u32,
    /// When it was created.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a user last changed it.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it was deleted, while it can be restored.
    #[schema(format = DateTime, required)]
    pub deleted_at: Option<String>,
}

/// As much of a credential as the caller may see.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub enum CredentialItem {
    /// For those who may read it.
    Whole(Box<Credential>),
    /// For those who may pick it.
    Row(Box<CredentialRow>),
}

/// Whether a credential is usable.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Usable, and for a while.
    Valid,
    /// Usable, but not for long.
    Expiring,
    /// No longer usable.
    Expired,
    /// Not usable before a time that is still to come.
    NotYetValid,
}

/// Something a person should know that is no error.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Warning {
    /// Stable and machine-readable.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What it is about, in the credential's JSON.
    pub pointer: String,
}

/// Something to find a credential by.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Selector {
    /// `image-prefix`, `host`, `url-prefix`, ...
    pub kind: String,
    /// What must match.
    pub value: String,
}

/// How a credential stands in a region.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegionSync {
    /// The region's name.
    pub region: String,
    /// Where it stands.
    pub state: SyncState,
    /// When it was last found or made right there.
    #[schema(format = DateTime, required)]
    pub synced_at: Option<String>,
    /// Why it is not right there.
    #[schema(required)]
    pub error: Option<String>,
    /// Which version is there.
    #[schema(required)]
    pub version: Option<u32>,
}

/// Where a credential stands in a region.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SyncState {
    /// Never put there.
    NotSynced,
    /// On its way there, or away from there.
    Syncing,
    /// In place.
    Synced,
    /// The last try failed.
    Error,
    /// Somebody changed what is there.
    Drifted,
}

/// The component that validated a version.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct MadeBy {
    /// The type's id.
    pub id: String,
    /// The plugin's version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
}

impl From<bursar_credentials::View> for CredentialItem {
    /// As much of it as the view's caller may see; secrets are in neither form.
    fn from(view: bursar_credentials::View) -> Self {
        if view.full { Self::Whole(Box::new(whole(view))) } else { Self::Row(Box::new(row(view))) }
    }
}

fn whole(view: bursar_credentials::View) -> Credential {
    let attributes = view.credential.public_attributes();
    let stored = view.credential;
    Credential {
        id: stored.id.0,
        account: view.account_name,
        r#type: stored.type_id,
        category: stored.category,
        name: stored.name.to_string(),
        title: stored.title,
        description: stored.description,
        labels: stored.labels,
        default: view.is_default,
        revealable: stored.revealable,
        data: stored.data,
        secret_fields: stored.secret_pointers,
        attributes,
        selectors: stored.selectors.into_iter().map(Selector::from).collect(),
        expires_at: stored.not_after.and_then(|seconds| Timestamp::from_second(seconds).ok()).map(rfc3339),
        status: view.status.into(),
        warnings: view.warnings.into_iter().map(Warning::from).collect(),
        version: stored.version,
        created_at: rfc3339(stored.created_at),
        updated_at: rfc3339(stored.updated_at),
        last_used_at: view.last_used_at.map(rfc3339),
        deleted_at: stored.deleted_at.map(rfc3339),
        sync: view.sync.into_iter().map(RegionSync::from).collect(),
        plugin: stored.plugin.into(),
    }
}

fn row(view: bursar_credentials::View) -> CredentialRow {
    let stored = view.credential;
    let hosts = stored.selectors.into_iter().filter(|selector| selector.kind == "host");
    CredentialRow {
        id: stored.id.0,
        account: view.account_name,
        r#type: stored.type_id,
        category: stored.category,
        name: stored.name.to_string(),
        title: stored.title,
        default: view.is_default,
        status: view.status.into(),
        names: hosts.map(|selector| selector.value).collect(),
        bindable: view.bindable,
        version: stored.version,
        created_at: rfc3339(stored.created_at),
        updated_at: rfc3339(stored.updated_at),
        deleted_at: stored.deleted_at.map(rfc3339),
    }
}

impl From<bursar_credentials::Status> for Status {
    fn from(status: bursar_credentials::Status) -> Self {
        match status {
            bursar_credentials::Status::Valid => Self::Valid,
            bursar_credentials::Status::Expiring => Self::Expiring,
            bursar_credentials::Status::Expired => Self::Expired,
            bursar_credentials::Status::NotYetValid => Self::NotYetValid,
        }
    }
}

impl From<bursar_credentials::Warning> for Warning {
    fn from(warning: bursar_credentials::Warning) -> Self {
        let bursar_credentials::Warning { code, message, pointer } = warning;
        Self { code: code.into_owned(), message, pointer: pointer.into_owned() }
    }
}

impl From<bursar_credentials::MadeBy> for MadeBy {
    fn from(by: bursar_credentials::MadeBy) -> Self {
        Self { id: by.id, version: by.version, digest: by.digest }
    }
}

impl From<bursar_credentials::SyncRow> for RegionSync {
    fn from(row: bursar_credentials::SyncRow) -> Self {
        Self {
            region: row.region,
            state: row.state.into(),
            synced_at: row.synced_at.map(rfc3339),
            error: row.error,
            version: row.version,
        }
    }
}

impl From<plugin::Selector> for Selector {
    fn from(selector: plugin::Selector) -> Self {
        Self { kind: selector.kind, value: selector.value }
    }
}

impl From<bursar_kernel::SyncState> for SyncState {
    fn from(state: bursar_kernel::SyncState) -> Self {
        match state {
            bursar_kernel::SyncState::NotSynced => Self::NotSynced,
            bursar_kernel::SyncState::Syncing => Self::Syncing,
            bursar_kernel::SyncState::Synced => Self::Synced,
            bursar_kernel::SyncState::Error => Self::Error,
            bursar_kernel::SyncState::Drifted => Self::Drifted,
        }
    }
}
