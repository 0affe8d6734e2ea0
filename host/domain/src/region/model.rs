use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CredentialId, Name, RegionId};
use crate::secret::SecretJson;

/// A place that credentials are pushed to, for the whole installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Never changes.
    pub id: RegionId,
    /// Unique in the installation.
    pub name: Name,
    /// For people.
    pub title: String,
    /// The kind of target.
    pub target: String,
    /// The kind's settings, its secrets among them.
    #[serde(with = "crate::secret::sealed")]
    pub settings: SecretJson,
    /// The credential that signs us in there, where the settings hold no sign-in.
    pub login: Option<LoginReference>,
    /// What to do about what others changed.
    pub drift: DriftPolicy,
    /// Whether it takes part.
    pub mode: Mode,
    /// When it was made.
    #[serde(with = "crate::clock::timestamp")]
    pub created_at: Timestamp,
    /// When an operator last changed it.
    #[serde(with = "crate::clock::timestamp")]
    pub updated_at: Timestamp,
}

/// A credential of the broker's by which it signs in at a target.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct LoginReference {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub credential: CredentialId,
}

/// What is done where somebody changed what we put somewhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DriftPolicy {
    /// It is put right.
    #[default]
    Repair,
    /// It is told, and left until somebody asks for a sync.
    Report,
}

/// Whether a region takes part.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// It is kept in place.
    #[default]
    Active,
    /// Nothing is changed there.
    Paused,
    /// What is ours there is removed, and nothing put.
    Draining,
}
