//! The port to a database: an ordered map of (key, revision, bytes), a write
//! transaction and a consistent snapshot.
//!
//! Engines know nothing of sealing, preconditions or the audit chain, which are
//! implemented once, above them.

use std::sync::Arc;

use async_trait::async_trait;

pub mod postgres;
pub mod redb;

use bursar_kernel::store::Revision;
use jiff::Timestamp;

/// A row as it is on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The row's key.
    pub key: Vec<u8>,
    /// The commit that wrote it.
    pub revision: Revision,
    /// The stored bytes: ciphertext, except in a few rows of the store's own.
    pub value: Vec<u8>,
}

/// The arguments of [`Engine::scan`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Scan {
    /// The prefix of the keys.
    pub prefix: Vec<u8>,
    /// The key to start after; empty to start with the first.
    pub after: Vec<u8>,
    /// The most rows to return.
    pub limit: usize,
}

/// One row that a transaction writes.
#[derive(Clone, Debug)]
pub struct Write {
    /// The key to write.
    pub key: Vec<u8>,
    /// The content to store; `None` deletes the row.
    pub content: Option<(Revision, Vec<u8>)>,
}

/// An ordered map with reads, snapshots, and one write transaction at a time per
/// process.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The rows under `keys`, in their order, all as of one moment.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError>;

    /// Up to `limit` rows under `prefix` after `after` (empty: from the start).
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;

    /// The existing rows under `keys`, and the rows of each scan, in the order of
    /// `scans`; all as of one moment if the engine supports that.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn read_all(&self, keys: &[Vec<u8>], scans: &[Scan]) -> Result<(Vec<Row>, Vec<Vec<Row>>), EngineError> {
        let rows = self.get_many(keys).await?.into_iter().flatten().collect();
        let mut found = Vec::with_capacity(scans.len());
        for Scan { prefix, after, limit } in scans {
            found.push(self.scan(prefix, after, *limit).await?);
        }
        Ok((rows, found))
    }

    /// Whether each read is a round trip to another process.
    fn is_remote(&self) -> bool {
        false
    }

    /// Starts a write transaction; dropping it rolls it back.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError>;

    /// A snapshot of the whole map as of now.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError>;

    /// The time on the database's clock; `None` if it has no clock of its own.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn time(&self) -> Result<Option<Timestamp>, EngineError> {
        Ok(None)
    }

    /// Why the database has lately been unavailable; for operators.
    fn outage(&self) -> Option<String> {
        None
    }

    /// Closes the engine; every later call fails.
    async fn close(&self);
}

/// A write transaction.
///
/// The protocol: [`lock`](Self::lock) every key that the decision depends on or that may
/// already exist, read, take revisions, [`apply`](Self::apply) once, commit.
#[async_trait]
pub trait Transaction: Send {
    /// Locks `keys` exclusively and returns their revisions, in the same order. A key
    /// without a record is locked too.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn lock(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError>;

    /// Takes shared locks on `keys`, which a commit depends on but does not write, and
    /// returns their revisions, as [`lock`](Self::lock) does. To be called before
    /// [`lock`](Self::lock), which makes deadlocks rarer.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn lock_shared(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        // With a single writer there are no other locks.
        self.lock(keys).await
    }

    /// The row under `key`.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError>;

    /// As [`Engine::scan`], inside the transaction.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;

    /// Takes `count` new, increasing revisions. To be called after locking, so that the
    /// later of two commits of one key has the higher revision.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError>;

    /// Makes every later revision higher than `revision`.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError>;

    /// Allows statements to take longer, for transactions that write a lot.
    fn allow_long_statements(&mut self) {}

    /// Lets the transaction idle between statements without a limit, to fill a store that
    /// nobody uses yet.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn disable_idle_timeout(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Writes rows. A key may occur only once, and must be locked if it exists.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn apply(&mut self, writes: Vec<Write>) -> Result<(), EngineError>;

    /// Commits durably.
    ///
    /// # Errors
    ///
    /// If the database failed; nothing has changed then, unless the error is
    /// [`uncertain`](EngineError::uncertain).
    async fn commit(self: Box<Self>) -> Result<(), EngineError>;
}

/// A consistent view of the map at one moment.
#[async_trait]
pub trait Snapshot: Send {
    /// As [`Engine::scan`], as of that moment.
    ///
    /// # Errors
    ///
    /// If the database failed.
    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;
}

/// An engine that refuses to write.
pub(crate) struct ReadOnly {
    engine: Arc<dyn Engine>,
    is_owner: bool,
}

impl ReadOnly {
    /// Closing it closes the inner engine.
    pub(crate) fn owning(engine: Arc<dyn Engine>) -> Self {
        Self { engine, is_owner: true }
    }

    /// Closing it leaves the inner engine open.
    pub(crate) fn borrowing(engine: Arc<dyn Engine>) -> Self {
        Self { engine, is_owner: false }
    }
}

#[async_trait]
impl Engine for ReadOnly {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        self.engine.get_many(keys).await
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        self.engine.scan(prefix, after, limit).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        Err(EngineError::new("the store is open read-only"))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        self.engine.snapshot().await
    }

    async fn close(&self) {
        if self.is_owner {
            self.engine.close().await;
        }
    }
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
#[error("the storage engine failed")]
pub struct EngineError {
    /// Whether the same transaction may succeed if retried from the start: it collided
    /// with another writer.
    pub retryable: bool,
    /// Whether the answer to a commit was lost: it may have happened.
    pub uncertain: bool,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl EngineError {
    /// A failure that an immediate retry does not cure.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { retryable: false, uncertain: false, source: source.into() }
    }
}

impl From<EngineError> for bursar_kernel::store::StoreError {
    fn from(error: EngineError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// The first key after all keys that start with `prefix`, if there is one.
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(prefix_end(b"a"), Some(b"b".to_vec()));
        assert_eq!(prefix_end(&[1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(prefix_end(&[0xFF, 0xFF]), None);
        assert_eq!(prefix_end(b""), None);
    }
}
