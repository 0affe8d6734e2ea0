//! What is stored of a credential.

use std::collections::BTreeMap;

use bursar_kernel::Scoped;
use bursar_kernel::id::{AccountId, CredentialId, Name};
use bursar_kernel::plugin::{CredentialType, Manifest, Selector, Taints};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is stored of a credential beside its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// Never changes.
    pub id: CredentialId,
    /// The one account it is scoped to (S0-03).
    pub account: AccountId,
    /// Its type's id.
    pub type_id: String,
    /// Its type's category when it was written.
    pub category: String,
    /// Unique among the account's live credentials (S2-12).
    pub name: Name,
    /// 0-255 characters (S3-04).
    pub title: String,
    /// 0-2000 characters (S0-18).
    pub description: String,
    /// Free pairs.
    pub labels: BTreeMap<String, String>,
    /// Whether anybody may reveal its secrets (D-3).
    pub revealable: bool,
    /// The data without its secrets, as the plugin normalised it.
    pub data: Value,
    /// Where its secrets are. Only ever grows while they are stored.
    pub secret_pointers: Vec<String>,
    /// Which of its values a plugin wrote. `None` of one that was stored before
    /// this was recorded: see [`Credential::taints`].
    #[serde(default)]
    pub taints: Option<Taints>,
    /// Facts the plugin derived from the public data.
    pub attributes: Value,
    /// What it is found by.
    pub selectors: Vec<Selector>,
    /// The ACME order, for types that place one.
    pub order: Option<Value>,
    /// Unix seconds from which it is usable.
    pub not_before: Option<i64>,
    /// Unix seconds until which it is usable.
    pub not_after: Option<i64>,
    /// Counts changes of the data, from 1.
    pub version: u32,
    /// When it was created.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub created_at: Timestamp,
    /// When a user last changed it.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub updated_at: Timestamp,
    /// When it was deleted, while it can still be restored.
    #[serde(with = "bursar_kernel::clock::timestamp::option")]
    pub deleted_at: Option<Timestamp>,
    /// The component that validated the current version.
    pub plugin: MadeBy,
}

impl Credential {
    /// As much of it as scopes look at.
    #[must_use]
    pub fn scoped(&self) -> Scoped<'_> {
        Scoped { id: self.id, name: self.name.as_str(), labels: &self.labels }
    }

    /// Which values of `data`, its current version, a plugin wrote, as far as
    /// is known; `manifest` is that of its type.
    #[must_use]
    pub fn taints(&self, manifest: &Manifest, data: &Value) -> Taints {
        assume(self.taints.as_ref(), &self.secret_pointers, manifest, data)
    }
}

/// Which component did it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MadeBy {
    /// The type's id.
    pub id: String,
    /// Of the manifest.
    pub version: String,
    /// `sha256:<hex>`.
    pub digest: String,
}

impl From<&CredentialType> for MadeBy {
    fn from(of: &CredentialType) -> Self {
        Self { id: of.manifest.id.clone(), version: of.manifest.version.clone(), digest: of.digest.clone() }
    }
}

impl MadeBy {
    /// How audit entries name it.
    #[must_use]
    pub fn for_audit(&self) -> String {
        format!("{}@{}", self.id, self.digest)
    }
}

/// A line of a credential's history. The data itself is kept apart, under a
/// key of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// From 1.
    pub version: u32,
    /// When it was written.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub created_at: Timestamp,
    /// By whom.
    pub actor: String,
    /// How it came to be.
    pub action: VersionAction,
    /// Top-level fields that differ from the version before; never values.
    pub changed: Vec<String>,
    /// Where this version's secrets are.
    pub secret_pointers: Vec<String>,
    /// Which of this version's values a plugin wrote. `None` of one that was
    /// stored before this was recorded: see [`Version::taints`].
    #[serde(default)]
    pub taints: Option<Taints>,
    /// The component that validated it.
    pub plugin: MadeBy,
}

impl Version {
    /// Which values of `data`, this version's, a plugin wrote, as far as is
    /// known; `manifest` is that of its type.
    #[must_use]
    pub fn taints(&self, manifest: &Manifest, data: &Value) -> Taints {
        assume(self.taints.as_ref(), &self.secret_pointers, manifest, data)
    }
}

fn assume(recorded: Option<&Taints>, secrets: &[String], manifest: &Manifest, data: &Value) -> Taints {
    recorded.cloned().unwrap_or_else(|| Taints::unrecorded(secrets, &manifest.derives, data))
}

/// How a version came to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VersionAction {
    /// With the credential.
    Create,
    /// By a change of its data.
    Update,
    /// By going back to an older version's data.
    Restore,
}
