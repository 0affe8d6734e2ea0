use bursar_domain::clock::rfc3339;
use bursar_domain::nodes::NodeView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::operations::{Check, Readiness};

/// A record of the audit trail. Never holds a value.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Unique in the installation.
    pub id: String,
    /// Place in its node's chain, from 1.
    pub seq: u64,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who: `user:alice`, `operator:...`, `workload:...`, `system`, `anonymous`.
    pub actor: String,
    /// Id of the account the actor belongs to; absent for operators, `system` and
    /// `anonymous`, and in records from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_account: Option<Uuid>,
    /// What: `credential.reveal` and the like.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Id of the account.
    #[schema(required)]
    pub account: Option<Uuid>,
    /// Id of the credential.
    #[schema(required)]
    pub credential: Option<Uuid>,
    /// Which version of its data.
    #[schema(required)]
    pub version: Option<u32>,
    /// For which region.
    #[schema(required)]
    pub region: Option<String>,
    /// The request that asked.
    #[schema(required)]
    pub request_id: Option<String>,
    /// The client's address.
    #[schema(required)]
    pub client: Option<String>,
    /// The plugin that took part, with its digest.
    #[schema(required)]
    pub plugin: Option<String>,
    /// Public facts: which fields were revealed, which format, how many.
    #[schema(value_type = Option<Object>, required)]
    pub detail: Option<Value>,
    /// `sha256:<hex>` of the record before.
    pub prev_hash: String,
    /// `sha256:<hex>` of this one.
    pub hash: String,
}

/// How something ended.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It was refused.
    Denied,
    /// It was tried in vain.
    Failed,
}

/// A signed statement of how far the audit chain has come. Kept elsewhere, it
/// witnesses that nothing before it was cut off or put back.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    /// Whose chain.
    pub node: String,
    /// The newest record it covers.
    pub seq: u64,
    /// That record's hash.
    pub hash: String,
    /// When it was signed.
    #[schema(format = DateTime)]
    pub at: String,
    /// The installation's audit key: Ed25519, base64.
    pub public_key: String,
    /// Ed25519 over the other fields, base64.
    pub signature: String,
}

/// What a verification of the audit chain found.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct AuditReport {
    /// Records walked.
    pub entries: u64,
    /// Live values compared with the record of their last change.
    pub records: u64,
    /// Checkpoints that held.
    pub checkpoints: u64,
    /// Statements of one node's chain about another that held.
    pub anchors: u64,
    /// Everything that does not hold; empty is good.
    pub problems: Vec<String>,
}

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

impl Ready {
    pub(crate) fn of(readiness: &Readiness, verbose: bool) -> Self {
        let is_ready = readiness.obstacle().is_none();
        Self {
            status: if is_ready { "ready" } else { "notReady" }.to_owned(),
            checks: verbose.then(|| readiness.checks.iter().map(ReadyCheck::from).collect()),
            nodes: verbose.then(|| readiness.nodes.iter().map(Node::from).collect()),
        }
    }
}

impl From<&Check> for ReadyCheck {
    fn from(check: &Check) -> Self {
        let detail = match &check.outcome {
            Ok(detail) => detail.clone(),
            Err(obstacle) => Some(obstacle.clone()),
        };
        Self { name: check.name.to_owned(), ok: check.outcome.is_ok(), detail }
    }
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
