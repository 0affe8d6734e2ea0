//! The pairs of one region that wait to be settled.

use std::collections::VecDeque;
use std::time::Duration;

use bursar_domain::region::Pair;
use tokio::time::Instant;
use tokio_util::time::delay_queue;

/// One region's queue.
#[derive(Default)]
pub(super) struct Lane {
    /// Those that something is to be done about.
    pub(super) ready: VecDeque<Pair>,
    /// Those that are only to be looked at: they come after.
    pub(super) looks: VecDeque<Pair>,
    /// Those that found the region down. They are not tried one by one while it
    /// is: one finds out for all.
    pub(super) parked: VecDeque<Pair>,
    /// On their way.
    pub(super) running: usize,
    /// When one of the parked finds out.
    pub(super) probe: Option<delay_queue::Key>,
}

/// Where a pair is.
pub(super) enum Stage {
    /// In `ready`, or in `looks`.
    Queued {
        /// What is there is looked at.
        look: bool,
    },
    /// On its way.
    Running {
        /// What is there is looked at.
        look: bool,
        /// Whether something about it has changed since.
        again: bool,
    },
    /// Waiting for its time.
    Delayed {
        /// What it waits by.
        key: delay_queue::Key,
        /// What is there is looked at then.
        look: bool,
    },
    /// Waiting for its region.
    Parked {
        /// What is there is looked at then.
        look: bool,
    },
}

impl Lane {
    /// The next one, and whether it is only to be looked at; those come last.
    pub(super) fn pop(&mut self) -> Option<(Pair, bool)> {
        let ready = self.ready.pop_front().map(|pair| (pair, false));
        ready.or_else(|| self.looks.pop_front().map(|pair| (pair, true)))
    }

    /// Whether nothing of the region waits or is on its way.
    pub(super) fn is_idle(&self) -> bool {
        let waiting = [&self.ready, &self.looks, &self.parked].iter().any(|queue| !queue.is_empty());
        self.running == 0 && !waiting && self.probe.is_none()
    }
}

/// The moment so far from now, and never in the past: nothing is tried again in
/// a tight circle.
pub(super) fn moment(at: jiff::Timestamp, now: jiff::Timestamp) -> Instant {
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    Instant::now() + wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// What waits longer is found again by a walk.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
