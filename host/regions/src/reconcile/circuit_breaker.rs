//! The way to one region's target: so many at once, and a breaker that keeps
//! off one that is down.
//!
//! A target that does not answer costs each call its time limit. After a few of
//! those in a row nobody is let through any more but, from time to time, one
//! who finds out whether it is back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_lock::{Semaphore, SemaphoreGuard};
use jiff::{SignedDuration, Timestamp};

use crate::TargetError;

pub(crate) struct CircuitBreaker {
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Without an answer, or refused, in a row.
    failures: u32,
    /// How often it opened since it was last well.
    openings: u32,
    open: Option<OpenState>,
    /// Somebody is finding out whether it is back.
    probing: bool,
}

/// Since when and why nobody is let through.
#[derive(Clone, Debug)]
pub(crate) struct OpenState {
    pub(crate) until: Timestamp,
    pub(crate) error: TargetError,
}

/// The right to call the target once.
pub(crate) struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    _slot: SemaphoreGuard<'a>,
    /// Whether it is to find out if the target is back.
    probes: bool,
    reported: bool,
}

impl CircuitBreaker {
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { slots: Semaphore::new(concurrency.max(1)), state: Mutex::default() }
    }

    /// Waits for a place. `eager` ones do not wait for the breaker's time, but
    /// for one that the target itself has named.
    ///
    /// # Errors
    ///
    /// Where the target is down and nobody is let through now.
    pub(crate) async fn permit(&self, now: impl Fn() -> Timestamp, eager: bool) -> Result<Permit<'_>, OpenState> {
        // Those who would be turned away do not stand in the queue.
        self.shut(now(), eager).map_or(Ok(()), Err)?;
        let slot = self.slots.acquire().await;
        let probes = self.with(|state| {
            let probes = state.open.is_some();
            let shut = state.is_shut(now(), eager);
            state.probing |= probes && shut.is_none();
            shut.map_or(Ok(probes), Err)
        })?;
        Ok(Permit { breaker: self, _slot: slot, probes, reported: false })
    }

    /// Why it is down, as far as we have found.
    pub(crate) fn why_open(&self) -> Option<String> {
        self.with(|state| state.open.as_ref().map(|open| open.error.to_string()))
    }

    /// What nobody is let through for now.
    pub(crate) fn shut(&self, now: Timestamp, eager: bool) -> Option<OpenState> {
        self.with(|state| state.is_shut(now, eager))
    }

    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn is_shut(&self, now: Timestamp, eager: bool) -> Option<OpenState> {
        let open = self.open.as_ref()?;
        let asked = matches!(open.error, TargetError::Throttled { .. });
        ((now < open.until && (!eager || asked)) || self.probing).then(|| open.clone())
    }

    fn learn(&mut self, error: &TargetError, probes: bool, now: Timestamp, jitter: impl FnOnce(Duration) -> Duration) {
        let many = match error {
            TargetError::Unreachable(_) => FAILURES_TO_OPEN,
            // Of many places some may be closed to us: all of them in a row are not.
            TargetError::Refused(_) => REFUSALS_TO_OPEN,
            TargetError::Throttled { seconds: Some(seconds), .. } => {
                let asked = Duration::from_secs(u64::from(*seconds)).min(LONGEST_ASKED);
                self.open = Some(OpenState { until: after(now, asked), error: error.clone() });
                return;
            }
            // It answers, whatever it says.
            _ => return *self = Self::default(),
        };
        self.failures = self.failures.saturating_add(1);
        if probes || (self.open.is_none() && self.failures >= many) {
            let longest = (FIRST_PAUSE * 2_u32.pow(self.openings.min(MAX_DOUBLINGS))).min(LONGEST_PAUSE);
            self.openings = self.openings.saturating_add(1);
            self.open = Some(OpenState { until: after(now, jitter(longest)), error: error.clone() });
        }
    }
}

impl Permit<'_> {
    /// Learns from how the call ended. `jitter` is a random part of a duration.
    pub(crate) fn report<T>(
        mut self,
        answer: &Result<T, TargetError>,
        now: Timestamp,
        jitter: impl FnOnce(Duration) -> Duration,
    ) {
        self.reported = true;
        let probes = self.probes;
        self.breaker.with(|state| {
            state.probing &= !probes;
            match answer {
                Ok(_) => *state = State::default(),
                Err(error) => state.learn(error, probes, now, jitter),
            }
        });
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probes && !self.reported {
            self.breaker.with(|state| state.probing = false);
        }
    }
}

/// When a pair whose `failures`-th try in a row has failed is tried again:
/// exponential with full jitter, and not before the target asked for.
pub(crate) fn next_try(
    now: Timestamp,
    failures: u32,
    error: &TargetError,
    jitter: impl FnOnce(Duration) -> Duration,
) -> Timestamp {
    let longest = (FIRST_PAUSE * 2_u32.pow(failures.min(MAX_DOUBLINGS))).min(match error {
        // It heals by itself, and its breaker keeps the calls few.
        TargetError::Unreachable(_) | TargetError::Conflict(_) | TargetError::Throttled { .. } => LONGEST_PAUSE,
        // Somebody has to do something, and may not tell us.
        _ => LONGEST_HOPELESS_PAUSE,
    });
    let asked = match error {
        TargetError::Throttled { seconds: Some(seconds), .. } => Duration::from_secs(u64::from(*seconds)),
        _ => Duration::ZERO,
    };
    after(now, jitter(longest).max(asked.min(LONGEST_ASKED)))
}

fn after(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause.max(SHORTEST_PAUSE)).ok();
    pause.and_then(|pause| now.checked_add(pause).ok()).unwrap_or(Timestamp::MAX)
}

const FAILURES_TO_OPEN: u32 = 5;
const REFUSALS_TO_OPEN: u32 = 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_HOPELESS_PAUSE: Duration = Duration::from_mins(5);
const LONGEST_ASKED: Duration = Duration::from_hours(1);
const MAX_DOUBLINGS: u32 = 10;

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn down() -> Result<(), TargetError> {
        Err(TargetError::Unreachable("connection refused".to_owned()))
    }

    #[test]
    fn a_target_that_is_down_is_asked_by_one_from_time_to_time() {
        let breaker = CircuitBreaker::new(2);
        for _ in 0..FAILURES_TO_OPEN {
            block_on(breaker.permit(|| at(0), false)).ok().unwrap().report(&down(), at(0), |longest| longest);
        }
        let open = block_on(breaker.permit(|| at(0), false)).err().unwrap();
        assert_eq!((open.until, open.error.to_string().as_str()), (at(1), "not reachable: connection refused"));
        let probe = block_on(breaker.permit(|| at(1), false)).ok().unwrap();
        assert!(block_on(breaker.permit(|| at(1), true)).is_err(), "one finds out at a time");
        probe.report(&down(), at(1), |longest| longest);
        assert_eq!(block_on(breaker.permit(|| at(2), false)).err().unwrap().until, at(3), "twice as long");
        drop(block_on(breaker.permit(|| at(2), true)).ok().unwrap());
        let probe = block_on(breaker.permit(|| at(2), true)).expect("one that was given up leaves the way free");
        probe.report(&Ok(()), at(2), |longest| longest);
        let both = (block_on(breaker.permit(|| at(2), false)), block_on(breaker.permit(|| at(2), false)));
        assert!(both.0.is_ok() && both.1.is_ok());
    }

    #[test]
    fn a_refusal_is_an_answer_unless_there_is_no_other() {
        let breaker = CircuitBreaker::new(1);
        let report = |answer: Result<(), TargetError>| {
            block_on(breaker.permit(|| at(0), false)).ok().unwrap().report(&answer, at(0), |longest| longest);
        };
        for answer in [Err(TargetError::Refused("no".to_owned())), Ok(())].iter().cycle().take(100) {
            report(answer.clone());
        }
        for _ in 0..REFUSALS_TO_OPEN {
            report(Err(TargetError::Refused("no".to_owned())));
        }
        assert!(block_on(breaker.permit(|| at(0), false)).is_err());
    }

    #[test]
    fn what_a_target_asks_for_is_kept_by_all() {
        let breaker = CircuitBreaker::new(1);
        let throttled = TargetError::Throttled { message: String::new(), seconds: Some(90) };
        block_on(breaker.permit(|| at(0), false))
            .ok()
            .unwrap()
            .report(&Err::<(), _>(throttled), at(0), |longest| longest);
        assert!(block_on(breaker.permit(|| at(89), true)).is_err());
        assert!(block_on(breaker.permit(|| at(90), false)).is_ok());
    }

    #[test]
    fn pauses_grow_to_a_limit_and_honour_what_was_asked() {
        let unreachable = TargetError::Unreachable(String::new());
        let pause = |failures, error: &TargetError| next_try(at(0), failures, error, |longest| longest).as_second();
        assert_eq!([0, 1, 2, 20].map(|failures| pause(failures, &unreachable)), [1, 2, 4, 30]);
        assert_eq!(pause(20, &TargetError::Foreign(String::new())), 300);
        let throttled = TargetError::Throttled { message: String::new(), seconds: Some(90) };
        assert_eq!(pause(0, &throttled), 90);
        assert_eq!(next_try(at(0), 0, &unreachable, |_| Duration::ZERO).as_millisecond(), 250);
    }
}
