//! What is stored of regions.

use std::collections::{BTreeMap, BTreeSet};

use bursar_kernel::SyncState;
use bursar_kernel::id::{AccountId, CredentialId, Name, NodeId, RegionId};
use bursar_kernel::secret::SecretJson;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::TargetKind;

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
    #[serde(with = "bursar_kernel::secret::sealed")]
    pub settings: SecretJson,
    /// The credential that signs us in there, where the settings hold no sign-in.
    pub login: Option<LoginReference>,
    /// What to do about what others changed.
    pub drift: DriftPolicy,
    /// Whether it takes part.
    pub mode: Mode,
    /// The accounts that may use it; `None` for every account. Ids, so that a
    /// renamed account keeps its regions and a freed name gains none.
    #[serde(default)]
    pub accounts: Option<BTreeSet<AccountId>>,
    /// When it was made.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub created_at: Timestamp,
    /// When an operator last changed it.
    #[serde(with = "bursar_kernel::clock::timestamp")]
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

/// That an account uses a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Who.
    pub account: AccountId,
    /// Which.
    pub region: RegionId,
    /// The formats that credentials of a type are put in, instead of what the
    /// kind of target prefers; an empty list for a type that is not to be there.
    pub formats: BTreeMap<String, Vec<String>>,
    /// The types whose credentials are put there; `None` for the default set
    /// (see [`Attachment::pushes`]).
    #[serde(default)]
    pub types: Option<BTreeSet<String>>,
    /// What happens to what is there when the account lets go of the region.
    pub on_detach: OnDetach,
    /// Set when it has let go, until nothing is left to be done.
    pub detaching: Option<OnDetach>,
    /// Since when.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub attached_at: Timestamp,
}

/// What happens to what is in a region when its account lets go of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnDetach {
    /// What is ours is removed.
    #[default]
    Remove,
    /// It stays, and is nobody's from then on.
    Keep,
}

impl SyncStatus {
    /// Whether what is there is as `input` wants it, as far as we know.
    #[must_use]
    pub fn is_settled(&self, input: &str) -> bool {
        self.state == SyncState::Synced && self.input == input && self.attempt.is_none()
    }
}

impl Attachment {
    /// Whether credentials of a type are put there: where the types are listed,
    /// those of the list; else those that are pushed by default, as the type's
    /// manifest says, and those that formats were chosen for. A type whose
    /// formats are an empty list is never put there.
    #[must_use]
    pub fn pushes(&self, type_id: &str, pushed_by_default: bool) -> bool {
        let formats = self.formats.get(type_id);
        if formats.is_some_and(Vec::is_empty) {
            return false;
        }
        match &self.types {
            Some(types) => types.contains(type_id),
            None => pushed_by_default || formats.is_some(),
        }
    }
}

impl Region {
    /// Whether an account may use it.
    #[must_use]
    pub fn admits(&self, account: AccountId) -> bool {
        self.accounts.as_ref().is_none_or(|accounts| accounts.contains(&account))
    }

    /// Its settings without those that `kind` keeps secret.
    #[must_use]
    pub fn public_settings(&self, kind: Option<&TargetKind>) -> serde_json::Value {
        match kind {
            Some(kind) => self.settings.without(&kind.secret_pointers()),
            // Nobody can say which are secret.
            None => serde_json::json!({}),
        }
    }
}

/// The sync status of a credential in a region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// How it stands.
    pub state: SyncState,
    /// The version that was last put there.
    pub version: Option<u32>,
    /// When it was last found or made right.
    #[serde(with = "bursar_kernel::clock::timestamp::option")]
    pub synced_at: Option<Timestamp>,
    /// Why the last try failed, or what was changed.
    pub failure: Option<Failure>,
    /// Fingerprint of what decides the content that is there: where it is as
    /// wanted, nothing is materialized.
    pub input: String,
    /// Keyed fingerprint of the content that is there: where it is as wanted,
    /// nothing is pushed.
    pub content: String,
    /// Fingerprint of the form it was put there in: formats, and the settings that
    /// shape it. The same bytes in another form are put again.
    pub form: String,
    /// Somebody else's change of it was reported, and is not put right.
    pub reported: bool,
    /// Last verification failed; re-read before trusting it.
    pub doubtful: bool,
    /// Where it is, or may be; the last one is the newest.
    #[serde(rename = "places")]
    pub locations: Vec<RemoteLocation>,
    /// The push or removal that was begun last, all tries of one alike. Never used
    /// again: a receiver that has seen it does nothing more.
    pub begun: Uuid,
    /// What the push that was begun last would make true, or `-` for a removal;
    /// empty once it has ended well. While it is set, what is there is not known.
    pub begun_for: String,
    /// Who is at it now.
    pub attempt: Option<Attempt>,
}

/// A place where something of ours is, or may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemoteLocation {
    /// The target's name for it.
    pub place: String,
    /// The account's name when it was put there.
    pub account_name: String,
    /// The credential's name when it was put there.
    pub credential_name: String,
    /// What the target gave back.
    pub receipt: Option<serde_json::Value>,
}

/// Why it is not in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// For a person: what is wrong and the cure.
    pub message: String,
    /// In a word.
    pub reason: String,
    /// What failed: the fingerprint it was to make true, `-` for a removal, and
    /// empty where it cannot be said.
    pub wish: String,
    /// When.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub at: Timestamp,
    /// How many tries have failed in a row.
    pub failures: u32,
    /// When it is tried again by itself.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub due_at: Timestamp,
}

/// A push or removal on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The process that is at it.
    pub by: Uuid,
    /// Its node; `None` where a build that knew none wrote it.
    #[serde(default)]
    pub node: Option<NodeId>,
    /// Until when it is believed to be.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub until: Timestamp,
}

/// A credential in a region: what the engine walks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pair {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub credential: CredentialId,
    /// Where.
    pub region: RegionId,
}
