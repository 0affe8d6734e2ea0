//! What has to be settled, and when its turn is.

use std::collections::HashMap;
use std::time::Duration;

use bursar_domain::Error;
use bursar_domain::broker::{Broker, Extent, Reconciled};
use bursar_domain::id::RegionId;
use bursar_domain::region::Pair;
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::time::DelayQueue;

use super::lane::{Lane, Stage, moment};

/// All lanes, and what waits for its time.
pub(super) struct Agenda {
    concurrency: usize,
    lanes: HashMap<RegionId, Lane>,
    pairs: HashMap<Pair, Stage>,
    delays: DelayQueue<Due>,
}

/// Whose time it is.
enum Due {
    Pair(Pair),
    /// One of a region's parked pairs finds out whether it is back.
    Probe(RegionId),
}

impl Agenda {
    /// `concurrency` pairs of a region are settled at once.
    pub(super) fn new(concurrency: usize) -> Self {
        Self { concurrency, lanes: HashMap::new(), pairs: HashMap::new(), delays: DelayQueue::new() }
    }

    /// Takes in what a walk found.
    pub(super) fn take(&mut self, due: Vec<(Pair, Timestamp)>, look: bool, now: Timestamp) {
        for (pair, at) in due {
            if at > now { self.later(pair, look, moment(at, now)) } else { self.queue(pair, look) }
        }
    }

    /// A pair whose turn it is, and whether what is there is looked at.
    pub(super) fn next(&mut self, broker: &Broker) -> Option<(Pair, bool)> {
        for (region, lane) in &mut self.lanes {
            // One at a time finds out whether a region is back.
            let most = if lane.parked.is_empty() || !broker.reconciler.is_down(*region) { self.concurrency } else { 1 };
            while lane.running < most {
                let Some((pair, look)) = lane.pop() else { break };
                // What was pulled forward out of the looks is still among them.
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

    /// How a pair's turn went. Answers what is to be walked for that.
    pub(super) fn settled(
        &mut self,
        broker: &Broker,
        pair: Pair,
        outcome: Result<Reconciled, Error>,
    ) -> Option<Extent> {
        let now = broker.kernel.ports.now();
        let lane = self.lanes.entry(pair.region).or_default();
        lane.running = lane.running.saturating_sub(1);
        let Some(Stage::Running { look, again }) = self.pairs.remove(&pair) else { return None };
        let found_out = !matches!(outcome, Ok(Reconciled::KeptOff { .. } | Reconciled::Failed { .. }) | Err(_));
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
        if broker.reconciler.is_down(pair.region) {
            self.keep_probing(pair.region, found_out);
        } else {
            self.reopen(pair.region);
        }
        self.lanes.retain(|_, lane| !lane.is_idle());
        // That nothing is left there is found by a walk.
        let last = detached && !self.lanes.contains_key(&pair.region);
        last.then_some(Extent::Account(pair.account))
    }

    /// Waits until something's time has come, and takes it up.
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

    /// Has a pair settled as soon as its turn is. A change goes before a look.
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

    /// Has a pair settled at a time, where it is not queued anyway.
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
            tracing::warn!(region = %pair.region, message, "a region is down: it is asked again from time to time");
        }
        lane.parked.push_back(pair);
        self.pairs.insert(pair, Stage::Parked { look });
        match &lane.probe {
            None => lane.probe = Some(self.delays.insert_at(Due::Probe(pair.region), probe_at)),
            Some(key) => self.delays.reset_at(key, probe_at),
        }
    }

    /// While any are parked, one of them finds out from time to time; the next at
    /// once, where the one before had no need to ask.
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

    /// The region is back: all have their turn.
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
