//! How fast each token may ask.

use bursar_domain::access::{Caller, Standing};
use bursar_domain::id::TokenId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::app::RateLimit;
use crate::problem::Problem;

/// One token bucket per token.
pub(crate) struct TokenLimiter {
    buckets: DefaultKeyedRateLimiter<TokenId>,
    clock: DefaultClock,
    operator_unlimited: bool,
}

impl TokenLimiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let quota = Quota::per_second(limit.requests_per_second).allow_burst(limit.burst);
        Self {
            buckets: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            operator_unlimited: limit.operator_unlimited,
        }
    }

    /// Takes one request out of the caller's bucket.
    ///
    /// # Errors
    ///
    /// 429 with the time until there is one again.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Problem> {
        if self.operator_unlimited && caller.standing == Standing::Operator {
            return Ok(());
        }
        self.buckets.check_key(&caller.token).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            Problem::throttled(seconds.max(1), "this token asks faster than it may: wait and try again")
        })
    }

    /// Forgets full buckets, so that revoked tokens leave nothing behind.
    pub(crate) fn forget_idle(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}
