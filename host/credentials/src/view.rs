//! A credential with what is read and computed beside it, for its caller.

use bursar_kernel::SyncState;
use bursar_kernel::store::Revision;
use jiff::Timestamp;

use crate::{Credential, Status, Version, Warning};

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
