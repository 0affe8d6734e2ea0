use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Role;
use crate::credential::Credential;
use crate::id::CredentialId;

/// What a principal is in an account.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who: a person's or workload's name, 1-255 printable characters.
    pub principal: String,
    /// What they are.
    pub role: Role,
    /// Which credentials a `member` may bind; `None` for all (S0-08).
    #[serde(default)]
    pub bindable: Option<Bindable>,
    /// Since when.
    #[serde(with = "crate::clock::timestamp")]
    pub created_at: Timestamp,
    /// Since when in this role.
    #[serde(with = "crate::clock::timestamp")]
    pub updated_at: Timestamp,
}

/// The credentials an admin opened to a member: those listed, and those that
/// carry all of the labels. Empty parts open nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Bindable {
    /// By id, so that a name that changes hands opens nothing.
    pub credentials: Vec<CredentialId>,
    /// All of them.
    pub labels: BTreeMap<String, String>,
}

impl Bindable {
    /// Whether `credential` is among them.
    #[must_use]
    pub fn admits(&self, credential: &Credential) -> bool {
        let carries = |(key, value): (&String, &String)| credential.labels.get(key) == Some(value);
        self.credentials.contains(&credential.id) || (!self.labels.is_empty() && self.labels.iter().all(carries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_before_binds_everything() {
        let stored = r#"{"principal":"ann","role":"member","createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}"#;
        let member: Member = serde_json::from_str(stored).unwrap();
        assert_eq!((member.role, member.bindable), (Role::Member, None));
    }
}
