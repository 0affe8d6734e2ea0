//! A node's heartbeat, and its state as the others see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::NodeId;

/// A heartbeat: what a node writes to its row every second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// The node's id in the audit chain.
    pub node: NodeId,
    /// Identifies the run.
    pub process: Uuid,
    /// The program's version.
    pub version: String,
    /// When this run started, by the node's own clock.
    #[serde(with = "crate::clock::timestamp")]
    pub started_at: Timestamp,
    /// When the heartbeat was written, by the node's own clock.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
    /// The node's health.
    #[serde(default)]
    pub vitals: Vitals,
}

/// A node's health.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Vitals {
    /// Milliseconds by which its clock is ahead of the store's; negative if it is
    /// behind, `None` if the store has no clock of its own.
    #[serde(default)]
    pub clock_ahead_ms: Option<i64>,
    /// The node's root key source lacks the root key in use.
    #[serde(default)]
    pub root_key_missing: bool,
}

/// Whether a node is at work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NodeState {
    /// Its heartbeat is recent.
    Live,
    /// Its heartbeats have stopped: it ended, or lost its connection.
    Silent,
}

/// A node as another node sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// Its last heartbeat.
    pub beat: Beat,
    /// Whether it is at work.
    pub state: NodeState,
    /// Whether it is the node that was asked.
    pub is_this_one: bool,
}

impl NodeState {
    /// The wire form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Silent => "silent",
        }
    }
}
