use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Role;

/// What a principal is in an account.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Who: a person's or workload's name, 1-255 printable characters.
    pub principal: String,
    /// What they are.
    pub role: Role,
    /// Since when.
    #[serde(with = "crate::clock::timestamp")]
    pub created_at: Timestamp,
    /// Since when in this role.
    #[serde(with = "crate::clock::timestamp")]
    pub updated_at: Timestamp,
}
