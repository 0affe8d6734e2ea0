//! How long a commit waits for company.
//!
//! Writers that a commit answered tend to write again at once. A moment's
//! patience spares each of them a commit of its own; any more of it only makes
//! everybody slower. So the committer waits for no more writers than there can
//! be, for no longer than a commit takes, and the less the less often it paid.

use std::time::Duration;

/// What the last commits taught.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What a commit takes, smoothed.
    commit: Duration,
    /// How many of those that were waited for came in time, smoothed: 0 to 1.
    returning: f64,
    /// Writers that may be in the next group: those that the last commit
    /// answered, and those that came while it ran.
    expected: usize,
}

impl Pace {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self { commit: LONGEST, returning: 1.0, expected: 0 }
    }

    /// A commit took `elapsed`, answered `answered` writers, and `waiting` others
    /// came meanwhile.
    pub(crate) fn record_commit(&mut self, elapsed: Duration, answered: usize, waiting: usize) {
        self.commit = (self.commit * 7 + elapsed) / 8;
        self.expected = answered + waiting;
    }

    /// How many writers to wait for in all, and how long at most, where `present`
    /// are here already.
    pub(crate) fn plan_wait(&self, present: usize) -> (usize, Duration) {
        if present >= self.expected {
            return (present, Duration::ZERO);
        }
        (self.expected, self.commit.min(LONGEST).mul_f64(self.returning))
    }

    /// Of `missing` that were waited for, `came` did.
    pub(crate) fn record_wait(&mut self, missing: usize, came: usize) {
        if missing > 0 {
            // Writers are counted in the hundreds.
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let share = came as f64 / missing as f64;
            self.returning = (self.returning * 7.0 + share.min(1.0)).max(LEAST_RETURNING * 8.0) / 8.0;
        }
    }
}

/// No commit waits longer.
const LONGEST: Duration = Duration::from_millis(2);
/// So much is always hoped for, or writers that begin to return would never be
/// noticed.
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
        // Eight clients: four were answered and four came meanwhile. Those four
        // and any that are back already are among the eight.
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
