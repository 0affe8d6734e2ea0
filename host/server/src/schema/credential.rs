use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bursar_domain::plugin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

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
    pub data: Value,
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
    pub data: Option<Value>,
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

/// A line of a credential's history; holds no data.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialVersion {
    /// From 1.
    pub version: u32,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// By whom.
    pub actor: String,
    /// How it came to be.
    pub action: VersionAction,
    /// JSON Pointers of the top-level fields that differ from the version before.
    pub changed: Vec<String>,
    /// The component that validated it.
    pub plugin: MadeBy,
    /// Whether it is what is handed out now.
    pub current: bool,
}

/// How a version came to be.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum VersionAction {
    /// With the credential.
    Create,
    /// By a change of its data.
    Update,
    /// By going back to an older version.
    Restore,
}

/// Which secrets to show.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// JSON Pointers; absent for all secret fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
}

/// Secrets.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Revealed {
    /// Only the fields asked for, in their places.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The version they are of.
    pub version: u32,
}

/// In which form to hand a credential out.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Materialize {
    /// One of the type's `formats`; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A credential in the form its user expects.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Materialized {
    /// In which format.
    pub format: String,
    /// Of which version.
    pub version: u32,
    /// At least one.
    pub artifacts: Vec<Artifact>,
}

/// A file.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// A plain file name.
    pub name: String,
    /// The content's media type.
    pub media_type: String,
    /// How `content` is written down here.
    pub encoding: Encoding,
    /// The content; always secret.
    pub content: String,
    /// Whether to mask it on screens.
    pub sensitive: bool,
}

/// How an artifact's content is written down.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub enum Encoding {
    /// As it is.
    #[serde(rename = "utf-8")]
    Utf8,
    /// RFC 4648, section 4.
    #[serde(rename = "base64")]
    Base64,
}

impl From<plugin::Artifact> for Artifact {
    /// Text as it is, anything else as base64.
    fn from(artifact: plugin::Artifact) -> Self {
        let (encoding, content) = match std::str::from_utf8(&artifact.content) {
            Ok(text) => (Encoding::Utf8, text.to_owned()),
            Err(_) => (Encoding::Base64, STANDARD.encode(&*artifact.content)),
        };
        Self { name: artifact.name, media_type: artifact.media_type, encoding, content, sensitive: artifact.sensitive }
    }
}
