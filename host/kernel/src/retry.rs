//! Optimistic commits: a use case reads, decides and commits, and starts over
//! when another writer was faster.
//!
//! A caller without `If-Match` should not notice. Within this process, callers that
//! change the same record queue up after the first collision; against other nodes
//! they back off with jitter.

use std::time::Duration;

use async_lock::MutexGuardArc;
use jiff::{SignedDuration, Timestamp};

use crate::store::{Batch, Revision, StoreError};
use crate::{Error, Ports, Queues, overtaken};

/// The attempts of one use case: each begins with [`Retry::next`] and ends with
/// [`Retry::commit`].
///
/// ```ignore
/// let mut retry = journal.retry(&key);
/// loop {
///     retry.next().await?;
///     let batch = ...;
///     if let Some(revision) = retry.commit(batch).await? {
///         return Ok(revision);
///     }
/// }
/// ```
pub struct Retry<'a> {
    ports: &'a Ports,
    writers: &'a Queues,
    /// What it changes, where it may queue for that.
    key: Option<Vec<u8>>,
    /// No further attempt after that; `None` before the first.
    until: Option<Timestamp>,
    pause: Duration,
    /// Its turn, once it has queued.
    turn: Option<MutexGuardArc<()>>,
}

impl<'a> Retry<'a> {
    pub(crate) fn new(ports: &'a Ports, writers: &'a Queues, key: Option<&[u8]>) -> Self {
        Self { ports, writers, key: key.map(<[u8]>::to_vec), until: None, pause: FIRST_PAUSE, turn: None }
    }

    /// Begins the next attempt. The first begins at once, unless others are
    /// changing the same record.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::Overtaken`] where others were faster for too long.
    pub async fn next(&mut self) -> Result<(), Error> {
        let Some(until) = self.until else {
            let patience = self.ports.now().checked_add(PATIENCE);
            self.until = Some(patience.unwrap_or(Timestamp::MAX));
            if let Some(queue) = self.key.as_ref().and_then(|key| self.writers.in_use(key)) {
                self.turn = Some(queue.lock_arc().await);
            }
            return Ok(());
        };
        if self.ports.now() > until {
            return Err(overtaken());
        }
        if let (Some(key), None) = (&self.key, &self.turn) {
            self.turn = Some(self.writers.queue(key).lock_arc().await);
            return Ok(());
        }
        self.ports.timer.sleep(self.pause / 2 + self.ports.jittered(self.pause / 2)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    /// Commits what this attempt decided. `None` where another writer was faster:
    /// begin the next attempt.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn commit(&self, batch: Batch) -> Result<Option<Revision>, Error> {
        match self.ports.store().commit(batch).await {
            Ok(revision) => Ok(Some(revision)),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Attempts of the broker's own work, which nobody waits for.
pub const ATTEMPTS: usize = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Far longer than a queue of many takes.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
