//! The network plane: calls that may use the network and hold secrets only by
//! name.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::{Context, Taints};
use crate::Error;
use crate::audit::Outcome;
use crate::secret::SecretJson;

/// What a call of the network plane is about. The plugin sees `data` without
/// its secrets; the host puts those on the wire where the manifest places them.
#[derive(Clone)]
pub struct NetworkCall<'a> {
    /// The whole data.
    pub data: &'a SecretJson,
    /// Where its secrets are.
    pub secret_pointers: &'a [String],
    /// Which of its values a plugin wrote, and what those may hold: they go only
    /// where all of that may go.
    pub taints: &'a Taints,
    /// The context of the call.
    pub context: &'a Context,
    /// Records each request.
    pub recorder: Arc<dyn ExchangeRecorder>,
}

/// Records each request that a plugin makes, before the plugin sees the answer.
#[async_trait]
pub trait ExchangeRecorder: Send + Sync {
    /// Records it, durably.
    ///
    /// # Errors
    ///
    /// When it could not be recorded: the call then fails and the plugin never sees
    /// the answer.
    async fn record(&self, exchange: Exchange) -> Result<(), Error>;
}

/// A request that a plugin made through the host, or was refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// Such as `POST`.
    pub method: String,
    /// `host:port`.
    pub host: String,
    /// Without the query.
    pub path: String,
    /// Of the answer; `None` without one.
    pub status: Option<u16>,
    /// Size of the request's body in bytes.
    pub sent_bytes: u64,
    /// Size of the answer's body in bytes.
    pub received_bytes: u64,
    /// The token endpoint it was for, by the manifest's name.
    pub endpoint: Option<String>,
    /// Why there is no answer: the rule that refused it, or what failed. Ours,
    /// never the plugin's words.
    pub reason: Option<String>,
    /// `Ok` with an answer of any status, `Denied` if the host refused to send it,
    /// `Failed` without an answer.
    #[serde(skip)]
    pub outcome: Outcome,
}

/// What a probe of the live service found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeReport {
    /// One sentence for a person.
    pub summary: String,
    /// Facts, an object.
    pub details: Value,
}

/// The record that answers one DNS challenge (RFC 8555, section 8.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TxtRecord {
    /// Fully qualified, lower case, no trailing dot.
    pub fqdn: String,
    /// The zone cut, if it was looked up.
    pub zone_hint: Option<String>,
    /// The value, unquoted.
    pub value: String,
    /// How long resolvers may keep it.
    pub ttl_seconds: u32,
}

/// The progress of a change at the provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// It is at the provider's servers.
    Done,
    /// Poll again after so many seconds.
    Pending(u32),
}
