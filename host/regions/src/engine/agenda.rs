//! Which pairs to settle, and when.

use std::collections::HashMap;
use std::time::Duration;

use crate::Pair;
use crate::{Attachments, Extent, Reconciled};
use bursar_kernel::Error;
use bursar_kernel::id::RegionId;
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::time::DelayQueue;

use super::lane::{Lane, Stage, moment};

/// All lanes, and the timers of delayed pairs.
pub(super) struct Agenda {
    concurrency: usize,
    lanes: HashMap<RegionId, Lane>,
    pairs: HashMap<Pair, Stage>,
    delays: DelayQueue<Due>,
}

/// What a timer is for.
enum Due {
    Pair(Pair),
    /// One of a region's parked pairs checks whether the region is back.
    Probe(RegionId),
}

impl Agenda {
    /// Settles `concurrency` pairs of a region at once.
    pub(super) fn new(concurrency: usize) -> Self {
        Self { concurrency, lanes: HashMap::new(), pairs: HashMap::new(), delays: DelayQueue::new() }
    }

    /// Adds the pairs that a walk found.
    pub(super) fn take(&mut self, due: Vec<(Pair, Timestamp)>, look: bool, now: Timestamp) {
        for (pair, at) in due {
            if at > now { self.later(pair, look, moment(at, now)) } else { self.queue(pair, look) }
        }
    }

    /// The next pair, and whether to look at the target.
    pub(super) fn next(&mut self, attachments: &Attachments) -> Option<(Pair, bool)> {
        for (region, lane) in &mut self.lanes {
            // While a region is down, one pair at a time checks whether it is back.
            let most =
                if lane.parked.is_empty() || !attachments.reconciler.is_down(*region) { self.concurrency } else { 1 };
            while lane.running < most {
                let Some((pair, look)) = lane.pop() else { break };
                // A pair that was moved up from `looks` is still queued there.
                if !matches!(self.pairs.get(&pair), Some(Stage::Queued { look: queued }) if *queued == look) {
                    continue;
                }
                lane.running += 1;
                self.pairs.insert(pair, Stage::Running { look, again: false });
                return Some((pair, look));
            }
        }
        None
    }

    /// Records the outcome of a pair, and returns what to walk next.
    pub(super) fn reconciled(
        &mut self,
        attachments: &Attachments,
        pair: Pair,
        outcome: Result<Reconciled, Error>,
    ) -> Option<Extent> {
        let now = attachments.kernel.ports.now();
        let lane = self.lanes.entry(pair.region).or_default();
        lane.running = lane.running.saturating_sub(1);
        let Some(Stage::Running { look, again }) = self.pairs.remove(&pair) else { return None };
        let skipped_probe = !matches!(outcome, Ok(Reconciled::KeptOff { .. } | Reconciled::Failed { .. }) | Err(_));
        let detached = matches!(outcome, Ok(Reconciled::Detached));
        match outcome {
            Ok(Reconciled::KeptOff { until, message }) => self.park(pair, look, moment(until, now), &message),
            Ok(_) if again => self.queue(pair, false),
            Ok(Reconciled::Failed { due_at: at, .. } | Reconciled::Busy(at)) => self.later(pair, look, moment(at, now)),
            Ok(
                Reconciled::Unchanged
                | Reconciled::Pushed
                | Reconciled::Removed
                | Reconciled::Detached
                | Reconciled::Left
                | Reconciled::Drifted,
            ) => {}
            Err(error) => {
                let cause = error.source.as_ref().map(tracing::field::display);
                tracing::warn!(%error, cause, credential = %pair.credential, region = %pair.region, "could not sync");
                self.later(pair, look, Instant::now() + AFTER_A_DEFECT);
            }
        }
        if attachments.reconciler.is_down(pair.region) {
            self.keep_probing(pair.region, skipped_probe);
        } else {
            self.reopen(pair.region);
        }
        self.lanes.retain(|_, lane| !lane.is_idle());
        // A walk finds out that nothing is left there.
        let last = detached && !self.lanes.contains_key(&pair.region);
        last.then_some(Extent::Account(pair.account))
    }

    /// Waits for the next timer, and queues its pair.
    pub(super) async fn wake(&mut self) {
        let due = if self.delays.is_empty() { std::future::pending().await } else { self.delays.next().await };
        match due.map(tokio_util::time::delay_queue::Expired::into_inner) {
            Some(Due::Pair(pair)) => {
                let look = matches!(self.pairs.remove(&pair), Some(Stage::Delayed { look: true, .. }));
                self.queue(pair, look);
            }
            Some(Due::Probe(region)) => {
                if let Some(lane) = self.lanes.get_mut(&region) {
                    lane.probe = None;
                }
                self.probe(region);
            }
            None => {}
        }
    }

    /// Queues a pair. Changes go before looks.
    fn queue(&mut self, pair: Pair, look: bool) {
        let lane = self.lanes.entry(pair.region).or_default();
        match self.pairs.get_mut(&pair) {
            Some(Stage::Queued { look: false } | Stage::Parked { look: false }) => return,
            Some(Stage::Queued { .. } | Stage::Delayed { .. }) if look => return,
            Some(Stage::Parked { look: parked }) => {
                *parked = look;
                return;
            }
            Some(Stage::Running { again, .. }) => {
                *again |= !look;
                return;
            }
            Some(Stage::Delayed { key, .. }) => drop(self.delays.remove(key)),
            Some(Stage::Queued { .. }) | None => {}
        }
        self.pairs.insert(pair, Stage::Queued { look });
        if look {
            lane.looks.push_back(pair);
        } else {
            lane.ready.push_back(pair);
        }
    }

    /// Delays a pair, unless it is queued.
    fn later(&mut self, pair: Pair, look: bool, at: Instant) {
        match self.pairs.get(&pair) {
            None => {
                let key = self.delays.insert_at(Due::Pair(pair), at);
                self.pairs.insert(pair, Stage::Delayed { key, look });
            }
            Some(Stage::Delayed { key, .. }) => self.delays.reset_at(key, at),
            Some(Stage::Queued { .. } | Stage::Running { .. } | Stage::Parked { .. }) => {}
        }
    }

    fn park(&mut self, pair: Pair, look: bool, probe_at: Instant, message: &str) {
        let lane = self.lanes.entry(pair.region).or_default();
        if lane.parked.is_empty() {
            tracing::warn!(region = %pair.region, message, "a region is down; it is probed until it is back");
        }
        lane.parked.push_back(pair);
        self.pairs.insert(pair, Stage::Parked { look });
        match &lane.probe {
            None => lane.probe = Some(self.delays.insert_at(Due::Probe(pair.region), probe_at)),
            Some(key) => self.delays.reset_at(key, probe_at),
        }
    }

    /// Keeps one of the parked pairs probing the region. The next one probes at
    /// once, where the previous pair did not have to call the region.
    fn keep_probing(&mut self, region: RegionId, at_once: bool) {
        let Some(lane) = self.lanes.get_mut(&region) else { return };
        if lane.parked.is_empty() || lane.probe.is_some() {
            return;
        }
        if at_once {
            self.probe(region);
        } else {
            lane.probe = Some(self.delays.insert(Due::Probe(region), AFTER_A_DEFECT));
        }
    }

    fn probe(&mut self, region: RegionId) {
        let parked = self.lanes.get_mut(&region).and_then(|lane| lane.parked.pop_front());
        if let Some(pair) = parked {
            self.unpark(pair);
        }
    }

    fn unpark(&mut self, pair: Pair) {
        let look = matches!(self.pairs.remove(&pair), Some(Stage::Parked { look: true }));
        self.queue(pair, look);
    }

    /// Queues all parked pairs: the region is back.
    fn reopen(&mut self, region: RegionId) {
        let Some(lane) = self.lanes.get_mut(&region) else { return };
        if lane.parked.is_empty() {
            return;
        }
        if let Some(key) = lane.probe.take() {
            self.delays.remove(&key);
        }
        tracing::info!(%region, pairs = lane.parked.len(), "a region is back");
        for pair in std::mem::take(&mut lane.parked) {
            self.unpark(pair);
        }
    }
}

const AFTER_A_DEFECT: Duration = Duration::from_secs(30);
