//! What a database must provide: an ordered map of (key, revision, bytes), a
//! write transaction and a consistent snapshot.
//!
//! Engines know nothing of sealing, of preconditions or of the audit chain;
//! all of that is done once, above them.

use std::sync::Arc;

use async_trait::async_trait;

pub mod postgres;
pub mod redb;

use bursar_domain::store::Revision;
use jiff::Timestamp;

/// A stored row, as it is on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// Where it is.
    pub key: Vec<u8>,
    /// The commit that wrote it.
    pub revision: Revision,
    /// The stored bytes: ciphertext, for all but a few rows of the store's own.
    pub value: Vec<u8>,
}

/// A part of the map, as [`Engine::scan`] takes it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Scan {
    /// Keys begin with it.
    pub prefix: Vec<u8>,
    /// And sort after it; empty from the start.
    pub after: Vec<u8>,
    /// At most so many.
    pub limit: usize,
}

/// One effect of a transaction.
#[derive(Clone, Debug)]
pub struct Write {
    /// Where.
    pub key: Vec<u8>,
    /// What to store; `None` deletes.
    pub content: Option<(Revision, Vec<u8>)>,
}

/// An ordered map that can be read, written in one transaction at a time per
/// process, and read as of one moment.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The rows under `keys`, in their order, all as of one moment.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError>;

    /// Up to `limit` rows under `prefix` after `after` (empty: from the start).
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;

    /// The rows that there are under `keys`, and those of each scan, in its order;
    /// all as of one moment where the engine can.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn read_all(&self, keys: &[Vec<u8>], scans: &[Scan]) -> Result<(Vec<Row>, Vec<Vec<Row>>), EngineError> {
        let rows = self.get_many(keys).await?.into_iter().flatten().collect();
        let mut found = Vec::with_capacity(scans.len());
        for Scan { prefix, after, limit } in scans {
            found.push(self.scan(prefix, after, *limit).await?);
        }
        Ok((rows, found))
    }

    /// Whether each question is a round trip to another process.
    fn is_remote(&self) -> bool {
        false
    }

    /// Starts a write transaction; dropping it undoes it.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError>;

    /// All of the map as of now, held still while it is read.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError>;

    /// The time by the database's clock; `None` where it has none but ours.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn time(&self) -> Result<Option<Timestamp>, EngineError> {
        Ok(None)
    }

    /// Why the database is away, as found lately; for operators.
    fn outage(&self) -> Option<String> {
        None
    }

    /// Ends cleanly; every later call fails.
    async fn close(&self);
}

/// A write transaction.
///
/// The protocol: [`lock`](Self::lock) every key that will be decided on or may
/// already exist, read, take revisions, [`apply`](Self::apply) once, commit.
#[async_trait]
pub trait Transaction: Send {
    /// Locks `keys` against other writers and answers their revisions, in the
    /// order asked. A key without a record is locked too.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn lock(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError>;

    /// Holds `keys` still against writers, and lets others hold them too: for
    /// what a commit rests on and leaves as it is. Before [`lock`](Self::lock), so
    /// that of two which want each other's keys fewer meet. Answers as that does.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn lock_shared(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        // Where there is one writer, nobody else holds anything.
        self.lock(keys).await
    }

    /// The row under `key`.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError>;

    /// As [`Engine::scan`], inside the transaction.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;

    /// Takes `count` new revisions, rising. Taken after locking, so that of two
    /// commits of one key the later has the higher.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError>;

    /// Makes sure that every later revision is above `revision`.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError>;

    /// Lets each statement take longer: where much is written at once.
    fn allow_long_statements(&mut self) {}

    /// Lets the transaction wait for its caller between statements for as long as
    /// that takes: for filling a store that nobody uses yet.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn disable_idle_timeout(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Writes rows; a key may occur once, and one that existed must have been
    /// locked.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn apply(&mut self, writes: Vec<Write>) -> Result<(), EngineError>;

    /// Makes it durable.
    ///
    /// # Errors
    ///
    /// Where the database failed; nothing of it happened then, unless that is
    /// uncertain.
    async fn commit(self: Box<Self>) -> Result<(), EngineError>;
}

/// A view that does not move.
#[async_trait]
pub trait Snapshot: Send {
    /// As [`Engine::scan`], of that moment.
    ///
    /// # Errors
    ///
    /// Where the database failed.
    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError>;
}

/// An engine that refuses to be written.
pub(crate) struct ReadOnly {
    engine: Arc<dyn Engine>,
    is_owner: bool,
}

impl ReadOnly {
    /// Closing it closes what is beneath.
    pub(crate) fn owning(engine: Arc<dyn Engine>) -> Self {
        Self { engine, is_owner: true }
    }

    /// Closing it leaves what is beneath open.
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
        Err(EngineError::new("the store is open for reading alone"))
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
    /// Whether the same transaction, tried again from the start, may work:
    /// another writer was in the way.
    pub retryable: bool,
    /// Whether it was a commit whose answer was lost: it may have happened.
    pub uncertain: bool,
    /// What it said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl EngineError {
    /// A failure that trying again at once does not cure.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { retryable: false, uncertain: false, source: source.into() }
    }
}

impl From<EngineError> for bursar_domain::store::Error {
    fn from(error: EngineError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// The first key after every key that starts with `prefix`, if there is one.
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
