//! Rate limits per token and per account.

use std::hash::Hash;

use bursar_kernel::id::{AccountId, TokenId};
use bursar_kernel::{Authority, Caller};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::app::RateLimit;
use crate::problem::Problem;

/// One token bucket per token and one per account, so that more tokens do not raise
/// an account's rate.
pub(crate) struct Limiter {
    tokens: Buckets<TokenId>,
    accounts: Buckets<AccountId>,
    operator_unlimited: bool,
}

struct Buckets<K: Clone + Eq + Hash> {
    of: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
}

impl Limiter {
    pub(crate) fn new(token: RateLimit, account: RateLimit) -> Self {
        Self {
            tokens: Buckets::new(token),
            accounts: Buckets::new(account),
            operator_unlimited: token.operator_unlimited,
        }
    }

    /// Takes one request from the caller's bucket and from its account's.
    ///
    /// # Errors
    ///
    /// 429 with the time until the next request is allowed.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Problem> {
        let account = match caller.authority {
            Authority::Operator if self.operator_unlimited => return Ok(()),
            Authority::Operator => None,
            Authority::InAccount { account, .. } => Some(account),
        };
        self.tokens.check(&caller.token, "this token asks faster than it may: wait and try again")?;
        let Some(account) = account else { return Ok(()) };
        self.accounts.check(&account, "the account's tokens together ask faster than they may: wait and try again")
    }

    /// Drops full buckets, also those of revoked tokens.
    pub(crate) fn forget_idle(&self) {
        self.tokens.forget_idle();
        self.accounts.forget_idle();
    }
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    fn new(limit: RateLimit) -> Self {
        let quota = Quota::per_second(limit.requests_per_second).allow_burst(limit.burst);
        Self { of: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    fn check(&self, key: &K, detail: &str) -> Result<(), Problem> {
        self.of.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            Problem::throttled(seconds.max(1), detail)
        })
    }

    fn forget_idle(&self) {
        self.of.retain_recent();
        self.of.shrink_to_fit();
    }
}
