//! Limits on open event streams: each costs a task, a connection and a check of its
//! token every few seconds.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_kernel::Caller;
use bursar_kernel::id::{AccountId, TokenId};

use crate::problem::Problem;

/// How many event streams may be open at once.
#[derive(Clone, Copy, Debug)]
pub struct EventStreams {
    /// Per token.
    pub per_token: u32,
    /// Per account.
    pub per_account: u32,
}

impl Default for EventStreams {
    fn default() -> Self {
        Self { per_token: 16, per_account: 256 }
    }
}

/// The open streams.
pub(crate) struct Streams {
    limits: EventStreams,
    open: Mutex<OpenCounts>,
}

#[derive(Default)]
struct OpenCounts {
    tokens: HashMap<TokenId, u32>,
    accounts: HashMap<AccountId, u32>,
}

/// An open stream, closed when dropped.
pub(crate) struct OpenStream {
    streams: Arc<Streams>,
    token: TokenId,
    account: AccountId,
}

impl Streams {
    pub(crate) fn new(limits: EventStreams) -> Self {
        Self { limits, open: Mutex::default() }
    }

    /// Opens a stream of `account` for the caller.
    ///
    /// # Errors
    ///
    /// 429 where the token or the account is at its limit.
    pub(crate) fn open(self: &Arc<Self>, caller: &Caller, account: AccountId) -> Result<OpenStream, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_token = open.tokens.get(&caller.token).copied().unwrap_or_default();
        let of_account = open.accounts.get(&account).copied().unwrap_or_default();
        for (open, limit, whose) in
            [(of_token, self.limits.per_token, "this token"), (of_account, self.limits.per_account, "the account")]
        {
            if open >= limit {
                let detail = format!("{whose} has {limit} event streams open, which is the limit: close some");
                return Err(Problem::throttled(RETRY_AFTER_SECONDS, &detail));
            }
        }
        open.tokens.insert(caller.token, of_token + 1);
        open.accounts.insert(account, of_account + 1);
        Ok(OpenStream { streams: Arc::clone(self), token: caller.token, account })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        close(&mut open.tokens, &self.token);
        close(&mut open.accounts, &self.account);
    }
}

/// Counts down, and drops the key at zero.
fn close<K: Eq + Hash>(open: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = open.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            open.remove(key);
        }
    }
}

const RETRY_AFTER_SECONDS: u32 = 10;
