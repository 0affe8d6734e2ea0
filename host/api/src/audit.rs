use bursar_kernel::audit;
use bursar_kernel::clock::{rfc3339, timestamp};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

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
    #[schema(value_type = String, format = DateTime)]
    #[serde(with = "timestamp")]
    pub at: Timestamp,
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

impl From<audit::Entry> for AuditEntry {
    fn from(entry: audit::Entry) -> Self {
        let event = entry.event;
        Self {
            id: entry.id,
            seq: entry.seq,
            at: rfc3339(event.at),
            actor: event.actor,
            actor_account: event.actor_account.map(|account| account.0),
            action: event.action.as_str(),
            outcome: event.outcome.into(),
            account: event.account.map(|account| account.0),
            credential: event.credential.map(|credential| credential.0),
            version: event.version,
            region: event.region,
            request_id: event.request_id,
            client: event.client,
            plugin: event.plugin,
            detail: event.detail,
            prev_hash: entry.prev_hash,
            hash: entry.hash,
        }
    }
}

impl From<audit::Outcome> for Outcome {
    fn from(outcome: audit::Outcome) -> Self {
        match outcome {
            audit::Outcome::Ok => Self::Ok,
            audit::Outcome::Denied => Self::Denied,
            audit::Outcome::Failed => Self::Failed,
        }
    }
}

impl From<audit::Checkpoint> for Checkpoint {
    fn from(checkpoint: audit::Checkpoint) -> Self {
        Self {
            node: checkpoint.node,
            seq: checkpoint.seq,
            hash: checkpoint.hash,
            at: checkpoint.at,
            public_key: checkpoint.public_key,
            signature: checkpoint.signature,
        }
    }
}

impl From<Checkpoint> for audit::Checkpoint {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            node: checkpoint.node,
            seq: checkpoint.seq,
            hash: checkpoint.hash,
            at: checkpoint.at,
            public_key: checkpoint.public_key,
            signature: checkpoint.signature,
        }
    }
}

impl From<audit::Report> for AuditReport {
    fn from(report: audit::Report) -> Self {
        Self {
            entries: report.entries,
            records: report.records,
            checkpoints: report.checkpoints,
            anchors: report.anchors,
            problems: report.problems,
        }
    }
}
