//! Writing to the store: attempts that retry, and audit events that come with no
//! change.

use serde_json::Value;

use crate::audit::{Action, Event, Outcome};
use crate::repeats::{Repeated, Repeats};
use crate::store::{Batch, Expect, Record};
use crate::{Error, Ports, Queues, Retry};

/// Commits and records.
pub struct Journal {
    ports: Ports,
    /// Callers that change the same record.
    writers: Queues,
    /// Refusals that repeat what was recorded within the minute.
    repeats: Repeats,
}

impl Journal {
    /// A journal over these ports. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports, writers: Queues::default(), repeats: Repeats::default() }
    }

    /// The ports it writes through.
    #[must_use]
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Attempts to change what is under `key`.
    #[must_use]
    pub fn retry(&self, key: &[u8]) -> Retry<'_> {
        Retry::new(&self.ports, &self.writers, Some(key))
    }

    /// The same without a queue: for attempts that take long.
    #[must_use]
    pub fn retry_unqueued(&self) -> Retry<'_> {
        Retry::new(&self.ports, &self.writers, None)
    }

    /// Commits an event that comes with no change. A refusal or failure that
    /// repeats one recorded within the minute is counted instead: see
    /// [`crate::Journal::flush_repeated_refusals`].
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn record(&self, event: Event) -> Result<(), Error> {
        let Some(key) = Repeats::key(&event) else {
            self.ports.store().commit(Batch::default().event(event)).await?;
            return Ok(());
        };
        let key = match self.repeats.count(key) {
            Repeated::Again => return Ok(()),
            Repeated::First(key) => key,
        };
        self.ports.store().commit(Batch::default().event(event.clone())).await?;
        // Only now, so that nobody is answered who counts on a record that failed.
        self.repeats.recorded(key, event);
        Ok(())
    }

    /// Records something the broker did on its own.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn record_system(&self, action: Action, detail: Value) -> Result<(), Error> {
        let outcome = if action == Action::PluginReject { Outcome::Denied } else { Outcome::Ok };
        self.record(Event { outcome, detail: Some(detail), ..self.ports.system_event(action) }).await
    }

    /// Commits the front of `batch` in parts until the rest fits one commit:
    /// for removing much, where half of it done is a smaller thing to remove.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn commit_front(&self, mut batch: Batch, event: &Event) -> Result<Batch, Error> {
        while batch.changes.len() > MAX_CHANGES_AT_ONCE {
            let changes = batch.changes.drain(..MAX_CHANGES_AT_ONCE).collect();
            let part = Batch { changes, ..Batch::default() };
            self.ports.store().commit(part.event(event.clone())).await?;
        }
        Ok(batch)
    }

    /// Records how often refusals were repeated since the last call: one record
    /// for each kind. Returns how many records.
    ///
    /// # Errors
    ///
    /// Where storage fails; the counts are kept for the next time.
    pub async fn flush_repeated_refusals(&self) -> Result<usize, Error> {
        self.repeats.flush(&self.ports).await
    }

    /// Deletes what is old among the records under `prefix`. Returns how many.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(
        &self,
        prefix: &[u8],
        is_old: &(dyn Fn(&Record) -> Result<bool, Error> + Sync),
    ) -> Result<usize, Error> {
        let (mut after, mut swept) = (Vec::new(), 0);
        loop {
            let records = self.ports.store().scan(prefix, &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(swept) };
            after = last.key.clone();
            let mut batch = Batch::default();
            for record in records {
                if is_old(&record)? {
                    batch = batch.delete(record.key, Expect::At(record.revision));
                }
            }
            if !batch.changes.is_empty() {
                swept += batch.changes.len();
                let event = self.ports.system_event(Action::Housekeeping);
                self.ports.store().commit(batch.event(event)).await?;
            }
        }
    }
}

/// Well under what a store takes in one batch.
const MAX_CHANGES_AT_ONCE: usize = 2_000;
const CHUNK: usize = 500;
