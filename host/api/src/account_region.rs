use std::collections::BTreeMap;

use bursar_kernel::clock::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RegionMode;

/// An account's use of a region.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountRegion {
    /// The region's name.
    pub region: String,
    /// The region's id.
    pub id: Uuid,
    /// The region's title.
    pub title: String,
    /// Whether the region takes part.
    pub mode: RegionMode,
    /// The formats that credentials of a type are put in, instead of what the
    /// target prefers; none for a type that is not to be there.
    pub formats: BTreeMap<String, Vec<String>>,
    /// The types whose credentials are put there; null for those that are pushed
    /// by default (`pushedByDefault` of a type) and those that `formats` names.
    #[schema(required)]
    pub types: Option<Vec<String>>,
    /// What happens to what is there when the account lets go of the region.
    pub on_detach: OnDetach,
    /// Set when it has let go, until nothing is left to be done.
    #[schema(required)]
    pub detaching: Option<OnDetach>,
    /// How many of the account's credentials stand how.
    pub sync: SyncCounts,
    /// Since when.
    #[schema(format = DateTime)]
    pub attached_at: String,
}

/// How an account is to use a region.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachRegion {
    /// Formats by type, instead of what the target prefers; an empty list keeps
    /// a type away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formats: Option<BTreeMap<String, Vec<String>>>,
    /// The types whose credentials are put there; null for those that are pushed
    /// by default (`pushedByDefault` of a type) and those that `formats` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// What happens to what is there when the account lets go of the region;
    /// `remove` unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_detach: Option<OnDetach>,
}

/// What happens to what is in a region when its account lets go of it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnDetach {
    /// What is ours is removed.
    Remove,
    /// It stays, and is nobody's from then on.
    Keep,
}

/// How many credentials stand how.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncCounts {
    /// Never put there.
    pub not_synced: u64,
    /// On their way.
    pub syncing: u64,
    /// In place.
    pub synced: u64,
    /// The last try failed.
    pub error: u64,
    /// Changed by somebody else.
    pub drifted: u64,
}

impl From<bursar_regions::AccountRegion> for AccountRegion {
    fn from(of: bursar_regions::AccountRegion) -> Self {
        Self {
            region: of.name,
            id: of.id.0,
            title: of.title,
            mode: of.mode.into(),
            formats: of.attachment.formats,
            types: of.attachment.types.map(Vec::from_iter),
            on_detach: of.attachment.on_detach.into(),
            detaching: of.attachment.detaching.map(OnDetach::from),
            sync: of.counts.into(),
            attached_at: rfc3339(of.attachment.attached_at),
        }
    }
}

impl From<bursar_regions::OnDetach> for OnDetach {
    fn from(on_detach: bursar_regions::OnDetach) -> Self {
        match on_detach {
            bursar_regions::OnDetach::Remove => Self::Remove,
            bursar_regions::OnDetach::Keep => Self::Keep,
        }
    }
}

impl From<Vec<(bursar_kernel::SyncState, u64)>> for SyncCounts {
    fn from(counts: Vec<(bursar_kernel::SyncState, u64)>) -> Self {
        let mut sync = Self::default();
        for (state, count) in counts {
            match state {
                bursar_kernel::SyncState::NotSynced => sync.not_synced = count,
                bursar_kernel::SyncState::Syncing => sync.syncing = count,
                bursar_kernel::SyncState::Synced => sync.synced = count,
                bursar_kernel::SyncState::Error => sync.error = count,
                bursar_kernel::SyncState::Drifted => sync.drifted = count,
            }
        }
        sync
    }
}
