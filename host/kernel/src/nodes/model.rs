//! What a node says of itself, and what is known of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::NodeId;

/// What a node says of itself, every second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// Which node: its id in the audit chain.
    pub node: NodeId,
    /// Tells its runs apart.
    pub process: Uuid,
    /// Of the program.
    pub version: String,
    /// When this run began, by its own clock.
    #[serde(with = "crate::clock::timestamp")]
    pub started_at: Timestamp,
    /// When it said so, by its own clock.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
    /// How it is.
    #[serde(default)]
    pub vitals: Vitals,
}

/// How a node is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Vitals {
    /// Milliseconds that its clock is ahead of the store's; negative where it is
    /// behind, `None` where the store has no clock of its own.
    #[serde(default)]
    pub clock_ahead_ms: Option<i64>,
    /// The root key in force is not where it should be.
    #[serde(default)]
    pub root_key_missing: bool,
}

/// Whether a node is at work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NodeState {
    /// It has said so lately.
    Live,
    /// It has not said anything for a while: stopped, cut off or gone.
    Silent,
}

/// A node as another one knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    /// What it said last.
    pub beat: Beat,
    /// Whether it is at work.
    pub state: NodeState,
    /// Whether it is the one that was asked.
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
