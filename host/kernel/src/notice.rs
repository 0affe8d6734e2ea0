//! The port to those who want to know at once: the reconcile loop, watchers and
//! metrics. A notice tells that something changed, so that it is looked at; it
//! may be lost, and nothing depends on it but how soon.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CredentialId, RegionId};

/// How a credential stands in a region.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SyncState {
    /// It was never put there (S0-36).
    #[default]
    NotSynced,
    /// It is being put there, or removed.
    Syncing,
    /// It is in place (S0-37).
    Synced,
    /// The last try failed (S0-38).
    Error,
    /// Somebody changed what is there.
    Drifted,
}

impl SyncState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::NotSynced, Self::Syncing, Self::Synced, Self::Error, Self::Drifted];

    /// The wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSynced => "notSynced",
            Self::Syncing => "syncing",
            Self::Synced => "synced",
            Self::Error => "error",
            Self::Drifted => "drifted",
        }
    }
}

/// Something changed.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A credential was created, changed, deleted or restored.
    Credential {
        /// Whose.
        account: AccountId,
        /// Which.
        credential: CredentialId,
        /// Its name.
        name: String,
        /// `created`, `updated`, `deleted`, `restored`, `purged`.
        change: &'static str,
    },
    /// An account was renamed, or began or ceased to use a region.
    Account(AccountId),
    /// A region was changed.
    Region {
        /// Which.
        region: RegionId,
        /// The accounts that may use it, and so know of it; `None` for every one.
        accounts: Option<BTreeSet<AccountId>>,
    },
    /// The loaded plugins changed.
    Plugins,
    /// A credential stands differently in a region.
    Placement(PlacementNotice),
    /// A part of us panicked while it worked at a region, named as far as that is
    /// known.
    Defect {
        /// The region's name or id, or the kind of target.
        region: String,
    },
    /// A whole round was walked: how many pairs stand how.
    Walked(Vec<SyncCount>),
}

/// How a credential stands in a region now.
#[derive(Clone, Debug)]
pub struct PlacementNotice {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub credential: CredentialId,
    /// Its name.
    pub credential_name: String,
    /// The region's name.
    pub region: String,
    /// How it stands; `None` where it is gone.
    pub state: Option<SyncState>,
    /// The version that is there.
    pub version: Option<u32>,
    /// When it was last found or made right.
    pub synced_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// What was done.
    pub done: Done,
}

/// What was done to a credential in a region.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Done {
    /// A push or removal began.
    Began,
    /// It was put there, so long after it was wanted; `None` for a repair.
    Pushed(Option<Duration>),
    /// It was found in place.
    Found,
    /// It was removed.
    Removed,
    /// Somebody else's change was found.
    Drifted,
    /// It failed, with the reason in a word.
    Failed(String),
}

/// How many pairs of a region stand how.
#[derive(Clone, Debug)]
pub struct SyncCount {
    /// The region's name.
    pub region: String,
    /// How.
    pub state: SyncState,
    /// How many.
    pub pairs: u64,
}

/// Who wants to know.
pub trait Notices: Send + Sync {
    /// Tells them. Does not wait.
    fn tell(&self, notice: &Notice);
}
