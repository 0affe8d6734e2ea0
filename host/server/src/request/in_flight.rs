//! Limits on the memory of bodies in flight: per token, per account and in total.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bursar_kernel::id::{AccountId, TokenId};
use bursar_kernel::{Authority, Caller};

use crate::problem::Problem;

/// The memory of bodies that are being read or processed.
#[derive(Debug)]
pub(crate) struct BytesInFlight {
    per_token: usize,
    total: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by: HashMap<Holder, usize>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Holder {
    Token(TokenId),
    Account(AccountId),
}

impl BytesInFlight {
    /// Limits in bytes per token and in total; an account may hold half of the total.
    pub(crate) fn new(per_token: usize, total: usize) -> Self {
        Self { per_token, total, held: Mutex::default() }
    }

    /// Starts an empty reservation.
    pub(crate) fn reserve(self: &Arc<Self>, caller: &Caller) -> Reservation {
        let account = match caller.authority {
            Authority::Operator => None,
            Authority::InAccount { account, .. } => Some(account),
        };
        Reservation { of: Arc::clone(self), token: caller.token, account, bytes: 0 }
    }

    /// Bytes reserved now.
    #[cfg(test)]
    fn total(&self) -> usize {
        self.held().total
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // No change can panic halfway.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory of one request, released when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    of: Arc<BytesInFlight>,
    token: TokenId,
    account: Option<AccountId>,
    bytes: usize,
}

impl Reservation {
    /// Reserves `more` bytes. A request that is the only one is always admitted: other
    /// limits bound its size, and it could never succeed otherwise.
    ///
    /// # Errors
    ///
    /// 429 where the token or its account is over its limit, 503 where the total is.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), Problem> {
        let mut held = self.of.held();
        let own = self.bytes;
        let is_over = |held: usize, limit: usize| held > own && held.saturating_add(more) > limit;
        let of = |holder| held.by.get(&holder).copied().unwrap_or_default();
        if is_over(of(Holder::Token(self.token)), self.of.per_token) {
            let detail = "this token's other requests use all of its memory for bodies \
                          (limits.body_bytes_in_flight_per_token): wait until they are answered";
            return Err(Problem::throttled(RETRY_AFTER_SECONDS, detail));
        }
        if self.account.is_some_and(|account| is_over(of(Holder::Account(account)), self.of.total / 2)) {
            let detail = "the account's other requests use half of the memory for bodies, which is its share \
                          (limits.body_bytes_in_flight_total): wait until they are answered";
            return Err(Problem::throttled(RETRY_AFTER_SECONDS, detail));
        }
        if is_over(held.total, self.of.total) {
            let detail = "requests in flight use all of the memory for bodies \
                          (limits.body_bytes_in_flight_total): try again";
            return Err(Problem::unavailable(RETRY_AFTER_SECONDS, detail));
        }
        held.total = held.total.saturating_add(more);
        for holder in self.holders() {
            let sum = held.by.entry(holder).or_default();
            *sum = sum.saturating_add(more);
        }
        drop(held);
        self.bytes = self.bytes.saturating_add(more);
        Ok(())
    }

    fn holders(&self) -> impl Iterator<Item = Holder> + use<> {
        [Some(Holder::Token(self.token)), self.account.map(Holder::Account)].into_iter().flatten()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut held = self.of.held();
        held.total = held.total.saturating_sub(self.bytes);
        for holder in self.holders() {
            if let Some(sum) = held.by.get_mut(&holder) {
                *sum = sum.saturating_sub(self.bytes);
                if *sum == 0 {
                    held.by.remove(&holder);
                }
            }
        }
    }
}

const RETRY_AFTER_SECONDS: u32 = 1;

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use uuid::Uuid;

    use super::*;

    fn reservation(of: &Arc<BytesInFlight>, token: u128, account: Option<u128>) -> Reservation {
        let account = account.map(|account| AccountId(Uuid::from_u128(account)));
        Reservation { of: Arc::clone(of), token: TokenId(Uuid::from_u128(token)), account, bytes: 0 }
    }

    fn status(grown: Result<(), Problem>) -> u16 {
        grown.map_or_else(|problem| problem.into_response().status().as_u16(), |()| 200)
    }

    #[test]
    fn each_token_each_account_and_all_have_their_limit() {
        let of = Arc::new(BytesInFlight::new(100, 400));
        let mut held = Vec::new();
        let mut grow = |token, account, bytes| {
            let mut reservation = reservation(&of, token, account);
            let grown = status(reservation.grow(bytes));
            held.push(reservation);
            grown
        };
        assert_eq!([grow(1, Some(1), 60), grow(1, Some(1), 41), grow(1, Some(1), 40)], [200, 429, 200]);
        assert_eq!([grow(2, Some(1), 100), grow(3, Some(1), 1)], [200, 429], "an account has half");
        assert_eq!([grow(4, Some(2), 100), grow(5, Some(2), 90), grow(6, Some(3), 20)], [200, 200, 503]);
        assert_eq!(grow(7, None, 10), 200, "operators are within what all have");
        assert_eq!(grow(8, None, 1), 503);
        drop(held);
        assert_eq!(of.total(), 0);
        assert!(of.held().by.is_empty(), "nothing is remembered of who is gone");
    }

    #[test]
    fn one_request_alone_always_comes_through() {
        let of = Arc::new(BytesInFlight::new(100, 400));
        let mut alone = reservation(&of, 1, Some(1));
        assert_eq!([status(alone.grow(90)), status(alone.grow(900))], [200, 200]);
        assert_eq!(status(reservation(&of, 2, None).grow(1)), 503);
        drop(alone);
        assert_eq!(status(reservation(&of, 2, None).grow(1)), 200);
    }
}
