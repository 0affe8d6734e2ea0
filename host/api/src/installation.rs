use bursar_kernel::clock::rfc3339;
use bursar_kernel::nodes::NodeView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A rotation of the root key.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Rekeyed {
    /// How many keys were wrapped with the new root key.
    pub rewrapped: u64,
}

/// That the process lives.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// Of the program.
    pub version: String,
    /// How plugins are run.
    pub engine: HealthEngine,
}

/// How plugins are run.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct HealthEngine {
    /// `pooling` or `on-demand`.
    pub allocator: String,
}

/// Whether requests can be answered.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// `ready` or `notReady`.
    pub status: String,
    /// What was looked at, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<ReadyCheck>>,
    /// The nodes that share the store, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<Node>>,
}

/// One thing that was looked at.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadyCheck {
    /// `storage`, `rootKey`, `clock` or `node`.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// What there is to say of it.
    pub detail: Option<String>,
}

/// A node that shares the store.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its id in the audit chain.
    pub id: Uuid,
    /// Whether it is the one that answers.
    pub this: bool,
    /// `live`, or `silent` where it has said nothing for some seconds.
    pub state: String,
    /// Of the program.
    pub version: String,
    /// Since when it runs, by its own clock.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When it said so last, by its own clock.
    #[schema(format = DateTime)]
    pub seen_at: String,
    /// How far its clock is ahead of the database's; null where there is one clock.
    pub clock_ahead_ms: Option<i64>,
    /// `current`, or `missing` where another node rotated the root key and the new
    /// one is not where this one looks.
    pub root_key: String,
}

impl From<&NodeView> for Node {
    fn from(view: &NodeView) -> Self {
        let beat = &view.beat;
        Self {
            id: beat.node.0,
            this: view.is_this_one,
            state: view.state.as_str().to_owned(),
            version: beat.version.clone(),
            started_at: rfc3339(beat.started_at),
            seen_at: rfc3339(beat.at),
            clock_ahead_ms: beat.vitals.clock_ahead_ms,
            root_key: if beat.vitals.root_key_missing { "missing" } else { "current" }.to_owned(),
        }
    }
}
