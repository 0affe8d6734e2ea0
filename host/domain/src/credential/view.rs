//! What is shown of a credential, by what the caller may see.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::status::WARNINGS;
use super::{Credential, Status, Version, Warning};
use crate::clock::rfc3339;
use crate::region::SyncState;
use crate::store::Revision;

/// A credential with everything that is computed or kept beside it.
#[derive(Clone, Debug)]
pub struct View {
    /// As stored.
    pub credential: Credential,
    /// The user-editable revision: the `ETag`.
    pub revision: Revision,
    /// Whether it is its account's and type's default.
    pub is_default: bool,
    /// When it was last revealed, materialized, probed or put to use.
    pub last_used_at: Option<Timestamp>,
    /// Usable or not, when it was read.
    pub status: Status,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// How it stands in each region its account uses.
    pub sync: Vec<SyncRow>,
    /// The account's name.
    pub account_name: String,
    /// Whether the caller may see more than a row for selects.
    pub full: bool,
    /// Whether the caller may bind it.
    pub bindable: bool,
}

/// How a credential stands in a region (S0-36 to S0-38).
#[derive(Clone, Debug, PartialEq)]
pub struct SyncRow {
    /// The region's name.
    pub region: String,
    /// How.
    pub state: SyncState,
    /// When it was last found or made right there.
    pub synced_at: Option<Timestamp>,
    /// Why it is not right there.
    pub error: Option<String>,
    /// The version that is there.
    pub version: Option<u32>,
}

/// A line of the history with whether it is the current one.
#[derive(Clone, Debug)]
pub struct VersionView {
    /// As stored.
    pub version: Version,
    /// Whether it is what is handed out now.
    pub current: bool,
}

impl View {
    /// The contract's JSON: everything, or the row for selects. Secrets are in
    /// neither.
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.full { self.full_json() } else { self.row_json() }
    }

    fn full_json(&self) -> Value {
        let credential = &self.credential;
        json!({
            "id": credential.id,
            "account": self.account_name,
            "type": credential.type_id,
            "category": credential.category,
            "name": credential.name,
            "title": credential.title,
            "description": credential.description,
            "labels": credential.labels,
            "default": self.is_default,
            "revealable": credential.revealable,
            "data": credential.data,
            "secretFields": credential.secret_pointers,
            "attributes": attributes(&credential.attributes),
            "selectors": credential.selectors,
            "expiresAt": seconds(credential.not_after),
            "status": self.status,
            "warnings": self.warnings,
            "version": credential.version,
            "createdAt": rfc3339(credential.created_at),
            "updatedAt": rfc3339(credential.updated_at),
            "lastUsedAt": self.last_used_at.map(rfc3339),
            "deletedAt": credential.deleted_at.map(rfc3339),
            "sync": self.sync.iter().map(SyncRow::to_json).collect::<Vec<_>>(),
            "plugin": credential.plugin,
        })
    }

    fn row_json(&self) -> Value {
        let credential = &self.credential;
        let names: Vec<&str> = credential
            .selectors
            .iter()
            .filter(|selector| selector.kind == "host")
            .map(|selector| selector.value.as_str())
            .collect();
        json!({
            "id": credential.id,
            "account": self.account_name,
            "type": credential.type_id,
            "category": credential.category,
            "name": credential.name,
            "title": credential.title,
            "default": self.is_default,
            "status": self.status,
            "names": names,
            "bindable": self.bindable,
            "version": credential.version,
            "createdAt": rfc3339(credential.created_at),
            "updatedAt": rfc3339(credential.updated_at),
            "deletedAt": credential.deleted_at.map(rfc3339),
        })
    }
}

impl SyncRow {
    fn to_json(&self) -> Value {
        json!({
            "region": self.region,
            "state": self.state,
            "syncedAt": self.synced_at.map(rfc3339),
            "error": self.error,
            "version": self.version,
        })
    }
}

impl VersionView {
    /// The contract's JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let version = &self.version;
        json!({
            "version": version.version,
            "createdAt": rfc3339(version.created_at),
            "actor": version.actor,
            "action": version.action,
            "changed": version.changed,
            "plugin": version.plugin,
            "current": self.current,
        })
    }
}

/// The facts for people; what the plugin warns of is shown under `warnings`.
fn attributes(found: &Value) -> Value {
    let mut facts = found.clone();
    if let Some(facts) = facts.as_object_mut() {
        facts.remove(WARNINGS);
    }
    facts
}

fn seconds(at: Option<i64>) -> Option<String> {
    at.and_then(|seconds| Timestamp::from_second(seconds).ok()).map(rfc3339)
}
