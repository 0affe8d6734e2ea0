use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::SyncState;

/// The data of the event `sync`: how a credential stands in a region now.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncEvent {
    /// The account's id.
    pub account: Uuid,
    /// The credential's id.
    pub credential: Uuid,
    /// The credential's name.
    pub name: String,
    /// The region's name.
    pub region: String,
    /// How it stands; null where it is gone.
    #[schema(required)]
    pub state: Option<SyncState>,
    /// Which version is there.
    #[schema(required)]
    pub version: Option<u32>,
    /// When it was last found or made right there.
    #[schema(format = DateTime, required)]
    pub synced_at: Option<String>,
    /// Why it is not right there; null for those who may not read credentials.
    #[schema(required)]
    pub error: Option<String>,
}

/// The data of the event `credential`: one was changed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct CredentialEvent {
    /// The credential's id.
    pub id: Uuid,
    /// The credential's name.
    pub name: String,
    /// `created`, `updated`, `deleted`, `restored` or `purged`.
    pub change: String,
}

/// The data of the event `region`: a region was changed or, where none is
/// named, the account itself, or which regions it uses.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct RegionEvent {
    /// The region's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Uuid>,
}
