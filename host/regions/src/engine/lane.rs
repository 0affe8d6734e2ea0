//! The queue of one region.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Pair;
use tokio::time::Instant;
use tokio_util::time::delay_queue;

/// One region's queue.
#[derive(Default)]
pub(super) struct Lane {
    /// Pairs with a change.
    pub(super) ready: VecDeque<Pair>,
    /// Pairs to look at, after those with a change.
    pub(super) looks: VecDeque<Pair>,
    /// Pairs that found the region down. They are not retried one by one: one of
    /// them probes for all.
    pub(super) parked: VecDeque<Pair>,
    /// How many are being settled.
    pub(super) running: usize,
    /// The timer of the next probe.
    pub(super) probe: Option<delay_queue::Key>,
}

/// The stage of a pair.
pub(super) enum Stage {
    /// In `ready`, or in `looks`.
    Queued {
        /// Whether to look at the target.
        look: bool,
    },
    /// Being settled.
    Running {
        /// Whether to look at the target.
        look: bool,
        /// Whether it changed since.
        again: bool,
    },
    /// Waiting for its timer.
    Delayed {
        /// Its timer.
        key: delay_queue::Key,
        /// Whether to look at the target then.
        look: bool,
    },
    /// Waiting for its region.
    Parked {
        /// Whether to look at the target then.
        look: bool,
    },
}

impl Lane {
    /// The next pair, and whether it is only to be looked at; those come last.
    pub(super) fn pop(&mut self) -> Option<(Pair, bool)> {
        let ready = self.ready.pop_front().map(|pair| (pair, false));
        ready.or_else(|| self.looks.pop_front().map(|pair| (pair, true)))
    }

    /// Whether no pair of the region waits or is being settled.
    pub(super) fn is_idle(&self) -> bool {
        let waiting = [&self.ready, &self.looks, &self.parked].iter().any(|queue| !queue.is_empty());
        self.running == 0 && !waiting && self.probe.is_none()
    }
}

/// A time as an instant in the future: nothing is retried in a tight loop.
pub(super) fn moment(at: jiff::Timestamp, now: jiff::Timestamp) -> Instant {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    Instant::now() + wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// A walk finds what waits longer.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
