//! What a token is narrowed to, and what a member may bind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Consumer;
use crate::id::CredentialId;

/// As much of a credential as scopes look at.
#[derive(Clone, Copy, Debug)]
pub struct Scoped<'a> {
    /// Its id.
    pub id: CredentialId,
    /// Its name.
    pub name: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
}

/// What a token is narrowed to. Empty parts do not narrow.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Scope {
    /// Ids or names.
    pub credentials: Vec<String>,
    /// Labels it must have, all of them.
    pub labels: BTreeMap<String, String>,
    /// Regions it may deal with.
    pub regions: Vec<String>,
    /// Consumers it may resolve for, `app:web`: what they are bound to is
    /// within, beside what the other parts name.
    pub consumers: Vec<String>,
}

impl Scope {
    /// Whether nothing is narrowed.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it may speak for `consumer`.
    #[must_use]
    pub fn speaks_for(&self, consumer: &Consumer) -> bool {
        self.consumers.is_empty() || self.consumers.iter().any(|own| own == consumer.as_str())
    }

    /// Whether `credential` is within whatever it is bound to. Of a token with
    /// consumers only those are that the other parts name.
    #[must_use]
    pub fn admits(&self, credential: &Scoped<'_>) -> bool {
        if self.credentials.is_empty() && self.labels.is_empty() {
            return self.consumers.is_empty();
        }
        let id = credential.id.to_string();
        let named = self.credentials.is_empty()
            || self.credentials.iter().any(|wanted| *wanted == id || wanted == credential.name);
        let labelled = self.labels.iter().all(|(key, value)| credential.labels.get(key) == Some(value));
        named && labelled
    }
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
    pub fn admits(&self, credential: &Scoped<'_>) -> bool {
        let carries = |(key, value): (&String, &String)| credential.labels.get(key) == Some(value);
        self.credentials.contains(&credential.id) || (!self.labels.is_empty() && self.labels.iter().all(carries))
    }
}
