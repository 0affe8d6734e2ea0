//! The port to operations of the installation beyond the broker's use cases. The
//! composition root implements it over the store and the plugin host.

use async_trait::async_trait;
use axum::response::Response;
use bursar_api::ReadyCheck;
use bursar_kernel::Error;
#[cfg(doc)]
use bursar_kernel::Kind;
use bursar_kernel::nodes::NodeView;
use bursar_kernel::plugin::State;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// Backup, rekey, counters and readiness. The caller is authorized before any of these
/// is called.
#[async_trait]
pub trait Operations: Send + Sync {
    /// How plugins are run.
    fn engine(&self) -> Engine;

    /// Counters since the start.
    fn stats(&self) -> Stats;

    /// Runs a request that only reads. Requests of the same `likeness` read the same
    /// records, so these can be prefetched at once for the next one.
    fn reading_ahead<'a>(&'a self, likeness: u64, request: BoxFuture<'a, Response>) -> BoxFuture<'a, Response> {
        let _ = likeness;
        request
    }

    /// Whether requests can be answered, and the nodes that answer them.
    async fn readiness(&self) -> Readiness;

    /// A consistent snapshot of all rows, as ciphertext.
    ///
    /// # Errors
    ///
    /// Where the snapshot could not be taken; an error within the stream ends
    /// the download.
    async fn backup(&self) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error>;

    /// Rotates the root key. Returns how many keys were wrapped again.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where other nodes are live, unless `force`; where the keys could
    /// not be wrapped, or the new root key could not be stored.
    async fn rekey(&self, force: bool) -> Result<u64, Error>;
}

/// The result of the readiness checks.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// The checks.
    pub checks: Vec<Check>,
    /// The nodes that share the store.
    pub nodes: Vec<NodeView>,
}

/// One readiness check.
#[derive(Clone, Debug)]
pub struct Check {
    /// `storage`, `rootKey`, `clock`, `node`.
    pub name: &'static str,
    /// A remark, or why the node is not ready. Without addresses and paths, since the
    /// endpoint is public.
    pub outcome: Result<Option<String>, String>,
}

impl Readiness {
    /// The first reason why it is not ready.
    #[must_use]
    pub fn obstacle(&self) -> Option<&str> {
        self.checks.iter().find_map(|check| check.outcome.as_ref().err()).map(String::as_str)
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

/// How plugins are run.
#[derive(Clone, Debug)]
pub struct Engine {
    /// `pooling` or `on-demand`.
    pub allocator: &'static str,
}

/// Counters since the start, for `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Durable commits of the store.
    pub store_commits: u64,
    /// Batches that were committed in them.
    pub store_batches: u64,
    /// Batches that were refused because a precondition did not hold.
    pub store_conflicts: u64,
    /// Audit records written.
    pub audit_events: u64,
    /// Calls of plugins, by plugin, call and outcome.
    pub plugin_calls: Vec<PluginCalls>,
    /// How many plugins are in each state.
    pub plugins: Vec<(State, u64)>,
    /// Milliseconds that this node's clock is ahead of the store's, where it has one.
    pub clock_ahead_ms: Option<i64>,
    /// How many nodes that share the store are live, and how many silent.
    pub nodes: (u64, u64),
}

/// How often a plugin was called in one way with one outcome.
#[derive(Clone, Debug)]
pub struct PluginCalls {
    /// The plugin's id.
    pub plugin: String,
    /// `inspect`, `check`, `materialize`, ...
    pub call: String,
    /// `ok`, `invalid`, `failed`, ...
    pub outcome: String,
    /// How often.
    pub count: u64,
}
