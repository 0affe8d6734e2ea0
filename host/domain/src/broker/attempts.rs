//! Retrying a use case whose commit lost a race.
//!
//! A caller without `If-Match` should not notice. Within this process, callers that
//! change the same record queue up after the first collision; against other nodes
//! they back off with jitter.

use std::time::Duration;

use async_lock::MutexGuardArc;
use jiff::{SignedDuration, Timestamp};

use super::Broker;

/// The tries of one use case.
pub(super) struct Attempts<'a> {
    broker: &'a Broker,
    /// What it changes, where it may stand in a queue for that.
    key: Option<Vec<u8>>,
    /// No further try after that; none has been made yet without it.
    until: Option<Timestamp>,
    pause: Duration,
    /// Its turn, once it stands in the queue.
    turn: Option<MutexGuardArc<()>>,
}

impl Broker {
    /// Tries to change what is under `key`.
    pub(super) fn attempts(&self, key: &[u8]) -> Attempts<'_> {
        Attempts { broker: self, key: Some(key.to_vec()), until: None, pause: FIRST_PAUSE, turn: None }
    }

    /// The same without a queue: for what takes its time.
    pub(super) fn attempts_unqueued(&self) -> Attempts<'_> {
        Attempts { broker: self, key: None, until: None, pause: FIRST_PAUSE, turn: None }
    }
}

impl Attempts<'_> {
    /// Waits for the next try; the first one is at once, unless others are at it.
    /// Answers whether there is one.
    pub(super) async fn again(&mut self) -> bool {
        let writers = &self.broker.writers;
        let Some(until) = self.until else {
            let patience = self.broker.now().checked_add(PATIENCE);
            self.until = Some(patience.unwrap_or(Timestamp::MAX));
            if let Some(queue) = self.key.as_ref().and_then(|key| writers.in_use(key)) {
                self.turn = Some(queue.lock_arc().await);
            }
            return true;
        };
        if self.broker.now() > until {
            return false;
        }
        if let (Some(key), None) = (&self.key, &self.turn) {
            self.turn = Some(writers.queue(key).lock_arc().await);
            return true;
        }
        self.broker.ports.timer.sleep(self.pause / 2 + self.broker.jittered(self.pause / 2)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Far longer than a queue of many takes.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);
