//! How long a commit waits for further writers.
//!
//! Writers that a commit answered tend to write again at once. A short wait spares each
//! of them a commit of its own; a longer one only slows everyone down. So the committer
//! waits for no more writers than there can be, no longer than a commit takes, and less
//! the less often waiting has paid off.

use std::time::Duration;

/// What the last commits have shown.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Duration of a commit, smoothed.
    commit: Duration,
    /// Share of the expected writers that came in time, smoothed: 0 to 1.
    returning: f64,
    /// Writers that may join the next group: those that the last commit answered, and
    /// those that arrived while it ran.
    expected: usize,
}

impl Pace {
    /// Before the first commit.
    pub(crate) fn new() -> Self {
        Self { commit: LONGEST, returning: 1.0, expected: 0 }
    }

    /// Records a commit that took `elapsed` and answered `answered` writers, while
    /// `waiting` others arrived.
    pub(crate) fn record_commit(&mut self, elapsed: Duration, answered: usize, waiting: usize) {
        self.commit = (self.commit * 7 + elapsed) / 8;
        self.expected = answered + waiting;
    }

    /// How many writers to wait for in all, and how long at most, if `present` of them
    /// are here already.
    pub(crate) fn plan_wait(&self, present: usize) -> (usize, Duration) {
        if present >= self.expected {
            return (present, Duration::ZERO);
        }
        (self.expected, self.commit.min(LONGEST).mul_f64(self.returning))
    }

    /// Records a wait for `missing` writers, of which `came` arrived.
    pub(crate) fn record_wait(&mut self, missing: usize, came: usize) {
        if missing > 0 {
            #[expect(clippy::cast_precision_loss, reason = "writers are counted in the hundreds")]
            let share = came as f64 / missing as f64;
            self.returning = (self.returning * 7.0 + share.min(1.0)).max(LEAST_RETURNING * 8.0) / 8.0;
        }
    }
}

/// The longest wait of a commit.
const LONGEST: Duration = Duration::from_millis(2);
/// Lower bound of the share, without which returning writers would never be noticed
/// again.
const LEAST_RETURNING: f64 = 1.0 / 16.0;

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: Duration = Duration::from_micros(400);

    fn learned(answered: usize, waiting: usize) -> Pace {
        let mut pace = Pace::new();
        for _ in 0..100 {
            pace.record_commit(COMMIT, answered, waiting);
        }
        pace
    }

    #[test]
    fn a_writer_who_is_alone_never_waits() {
        assert_eq!(learned(1, 0).plan_wait(1), (1, Duration::ZERO));
    }

    #[test]
    fn nobody_is_counted_twice() {
        // Eight clients: four were answered, and four arrived meanwhile. Those four and
        // any that are back already are among the eight.
        let pace = learned(4, 4);
        assert_eq!(pace.plan_wait(4).0, 8);
        assert_eq!(pace.plan_wait(6).0, 8);
        assert_eq!(pace.plan_wait(8), (8, Duration::ZERO));
        assert_eq!(pace.plan_wait(9), (9, Duration::ZERO));
    }

    #[test]
    fn waiting_costs_no_more_than_a_commit() {
        let (_, patience) = learned(8, 0).plan_wait(1);
        assert!(patience <= COMMIT + Duration::from_micros(1), "{patience:?}");
        let mut slow = Pace::new();
        slow.record_commit(Duration::from_secs(1), 8, 0);
        assert_eq!(slow.plan_wait(1).1, LONGEST);
    }

    #[test]
    fn who_never_returns_is_hardly_waited_for() {
        let mut pace = learned(8, 0);
        for _ in 0..100 {
            pace.record_wait(7, 0);
        }
        assert!(pace.plan_wait(1).1 <= COMMIT.mul_f64(LEAST_RETURNING) + Duration::from_micros(1));
        for _ in 0..100 {
            pace.record_wait(7, 7);
        }
        assert!(pace.plan_wait(1).1 > COMMIT.mul_f64(0.9));
    }
}
