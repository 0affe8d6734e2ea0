//! The rows of the ledger.

use bursar_kernel::Fqdn;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is kept of a record that a credential put somewhere, or tries to: the
/// ledger's row. It is written before the provider is asked, so that a crash
/// leaves something to clean up by.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// Of the row; sorts by age.
    pub id: Uuid,
    /// Where the record is.
    pub fqdn: Fqdn,
    /// Its value. Published, so no secret.
    pub value: String,
    /// How long resolvers may keep it.
    pub ttl_seconds: u32,
    /// How far it has come.
    pub state: RecordState,
    /// Since when it is in that state.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub since: Timestamp,
    /// Who brought it there.
    pub by: String,
    /// What the plugin asks to be told when it looks or cleans up; empty where
    /// it is not known. Never shown.
    pub handle: String,
    /// How often the sweep has failed to clean it up, since it was last asked for.
    pub failures: u32,
    /// When the sweep may try it again.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub due_at: Timestamp,
}

/// How far a record has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordState {
    /// The provider is being asked to add it; if that was cut off, the sweep
    /// cleans it up.
    Presenting,
    /// The provider has it, but not yet at all of its servers.
    Pending,
    /// It is at the provider's servers.
    Present,
    /// The provider is being asked to remove it; if that failed, the sweep goes
    /// on.
    Removing,
}

impl RecordState {
    /// Whether it is on its way rather than somewhere: with nobody at it, the
    /// sweep's to clean up.
    #[must_use]
    pub fn is_unfinished(self) -> bool {
        match self {
            Self::Presenting | Self::Removing => true,
            Self::Pending | Self::Present => false,
        }
    }

    /// The wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Presenting => "presenting",
            Self::Pending => "pending",
            Self::Present => "present",
            Self::Removing => "removing",
        }
    }
}
