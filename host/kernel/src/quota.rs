//! Quotas of accounts: how many of a thing there are, without counting them each
//! time.
//!
//! A count is taken from the store, then kept by what this process makes and
//! deletes, and taken again after a minute. What is being made is counted before
//! it is committed, so that many at once do not pass together. The bound is exact
//! for one process; each further node may exceed it by what it makes within a
//! minute.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::id::AccountId;
use crate::keys::{self, Table};
use crate::{Error, Kind, Ports, Quotas};

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Counted {
    /// Of an account.
    Tokens,
    /// Of an account.
    Members,
    /// Deleted ones too.
    Credentials,
    /// Of an account.
    Bindings,
}

/// How much each account has of what is limited.
pub struct QuotaCounts {
    ports: Ports,
    quotas: Quotas,
    counts: Counts,
}

/// The counts that are known.
#[derive(Default)]
struct Counts(Mutex<HashMap<CountKey, Count>>);

type CountKey = (AccountId, Counted);

#[derive(Clone, Copy, Debug)]
struct Count {
    stored: u64,
    /// Being made now.
    reserved: u64,
    taken_at: Timestamp,
}

/// Room for one more, given back unless it is taken.
pub struct Reservation<'a> {
    counts: &'a Counts,
    key: CountKey,
    taken: bool,
}

impl QuotaCounts {
    pub(crate) fn new(ports: Ports, quotas: Quotas) -> Self {
        Self { ports, quotas, counts: Counts::default() }
    }

    /// What each account may have.
    #[must_use]
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Reserves room for one more of these in the account.
    ///
    /// # Errors
    ///
    /// [`Kind::QuotaExceeded`].
    pub async fn reserve(&self, account: AccountId, counted: Counted) -> Result<Reservation<'_>, Error> {
        let (key, limit, now) = ((account, counted), counted.limit(&self.quotas), self.ports.now());
        if !self.counts.is_known(key, limit, now) {
            let prefix = keys::of_account(counted.table(), account);
            let stored = self.ports.store().scan(&prefix, &[], usize::MAX).await?.len();
            self.counts.learn(key, stored as u64, now);
        }
        self.counts.reserve(key, limit).ok_or_else(|| exceeded(counted, limit))
    }

    /// Notes that one of these is gone.
    pub fn release_one(&self, account: AccountId, counted: Counted) {
        if let Some(count) = self.counts.all().get_mut(&(account, counted)) {
            count.stored = count.stored.saturating_sub(1);
        }
    }

    /// Forgets a count, to be taken again from the store.
    pub fn recount(&self, account: AccountId, counted: Counted) {
        let mut counts = self.counts.all();
        if counts.get(&(account, counted)).is_some_and(|count| count.reserved == 0) {
            counts.remove(&(account, counted));
        }
    }
}

impl Counts {
    /// Whether the count is fresh enough. One at the limit is taken again sooner,
    /// since another node may have made room, but not for each that is refused.
    fn is_known(&self, key: CountKey, limit: u64, now: Timestamp) -> bool {
        self.all().get(&key).is_some_and(|count| {
            let is_full = count.stored + count.reserved >= limit;
            now.duration_since(count.taken_at) < if is_full { RECOUNT_WHEN_FULL } else { RECOUNT }
        })
    }

    fn learn(&self, key: CountKey, stored: u64, taken_at: Timestamp) {
        let mut counts = self.all();
        let reserved = counts.get(&key).map_or(0, |count| count.reserved);
        if counts.len() >= MAX_COUNTS {
            counts.retain(|_, count| count.reserved > 0);
        }
        counts.insert(key, Count { stored, reserved, taken_at });
    }

    fn reserve(&self, key: CountKey, limit: u64) -> Option<Reservation<'_>> {
        let mut counts = self.all();
        let count = counts.get_mut(&key)?;
        if count.stored + count.reserved >= limit {
            return None;
        }
        count.reserved += 1;
        Some(Reservation { counts: self, key, taken: false })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<CountKey, Count>> {
        // A poisoned map still holds only counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation<'_> {
    /// What it was for was made.
    pub fn take(mut self) {
        self.taken = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.counts.all().get_mut(&self.key) {
            count.reserved = count.reserved.saturating_sub(1);
            count.stored += u64::from(self.taken);
        }
    }
}

impl Counted {
    fn limit(self, quotas: &Quotas) -> u64 {
        match self {
            Self::Tokens => quotas.tokens,
            Self::Members => quotas.members,
            Self::Credentials => quotas.credentials,
            Self::Bindings => quotas.bindings,
        }
    }

    fn table(self) -> Table {
        match self {
            Self::Tokens => Table::Token,
            Self::Members => Table::Member,
            Self::Credentials => Table::Credential,
            Self::Bindings => Table::Binding,
        }
    }
}

fn exceeded(counted: Counted, limit: u64) -> Error {
    let (quota, cure) = match counted {
        Counted::Tokens => ("tokens", "delete those that are expired or unused"),
        Counted::Members => ("members", "remove those who left"),
        Counted::Credentials => ("credentials", "purge deleted ones, which count until then"),
        Counted::Bindings => ("bindings", "delete those of consumers that are gone"),
    };
    let message = format!(
        "the account has {limit} {quota}, which is its quota: {cure}, or ask the operator to raise quotas.{quota}"
    );
    Error::new(Kind::QuotaExceeded, message)
}

const RECOUNT: SignedDuration = SignedDuration::from_secs(60);
const RECOUNT_WHEN_FULL: SignedDuration = SignedDuration::from_secs(10);
/// Four for each of many accounts; beyond, idle ones are counted again.
const MAX_COUNTS: usize = 40_000;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CountKey = (AccountId(uuid::Uuid::nil()), Counted::Tokens);

    fn known(stored: u64) -> Counts {
        let counts = Counts::default();
        counts.learn(KEY, stored, Timestamp::UNIX_EPOCH);
        counts
    }

    #[test]
    fn what_is_being_made_counts_and_what_failed_gives_its_room_back() {
        let counts = known(3);
        let (first, second) = (counts.reserve(KEY, 5), counts.reserve(KEY, 5));
        assert!(counts.reserve(KEY, 5).is_none(), "two at once are two");
        drop(first);
        let third = counts.reserve(KEY, 5);
        assert!(third.is_some());
        second.unwrap().take();
        third.unwrap().take();
        assert!(counts.reserve(KEY, 5).is_none());
        assert_eq!(counts.all()[&KEY].reserved, 0);
    }

    #[test]
    fn a_full_count_is_taken_again_sooner_but_not_for_each_that_is_refused() {
        let counts = known(5);
        let after = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        assert!(counts.is_known(KEY, 6, after(59)) && !counts.is_known(KEY, 6, after(60)));
        assert!(counts.is_known(KEY, 5, after(9)) && !counts.is_known(KEY, 5, after(10)));
    }
}
