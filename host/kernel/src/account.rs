use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Name};

/// A tenant.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Never changes.
    pub id: AccountId,
    /// Unique in the installation.
    pub name: Name,
    /// 0-255 characters.
    pub title: String,
    /// When it was made.
    #[serde(with = "crate::clock::timestamp")]
    pub created_at: Timestamp,
    /// When name or title last changed.
    #[serde(with = "crate::clock::timestamp")]
    pub updated_at: Timestamp,
}
