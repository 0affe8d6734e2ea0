//! The newest events, numbered.

use std::collections::VecDeque;
use std::sync::Arc;

use bursar_kernel::id::AccountId;

use super::event::Event;

/// Holds the newest [`CAPACITY`] events; numbers go from 1 without a gap.
#[derive(Default)]
pub(super) struct Ring {
    events: VecDeque<Arc<Event>>,
    newest: u64,
}

/// What follows a number.
pub(super) enum Since {
    /// Some of it has been dropped.
    Missed {
        /// The number of the newest event.
        newest: u64,
    },
    /// The first event that concerns the account, with its number.
    Event(u64, Arc<Event>),
    /// Nothing that concerns the account.
    Nothing {
        /// The number of the newest event.
        newest: u64,
    },
}

impl Ring {
    /// Adds an event and returns its number.
    pub(super) fn push(&mut self, event: Event) -> u64 {
        if self.events.len() == CAPACITY {
            self.events.pop_front();
        }
        self.events.push_back(Arc::new(event));
        self.newest += 1;
        self.newest
    }

    /// The number of the newest event, 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether everything after `number` is still held.
    pub(super) fn reaches_back_to(&self, number: u64) -> bool {
        number <= self.newest && self.newest - number <= self.events.len() as u64
    }

    /// The first event for `account` after `number`.
    pub(super) fn since(&self, number: u64, account: AccountId) -> Since {
        let newest = self.newest;
        if !self.reaches_back_to(number) {
            return Since::Missed { newest };
        }
        let unseen = usize::try_from(newest - number).unwrap_or(self.events.len());
        let later = self.events.iter().skip(self.events.len().saturating_sub(unseen));
        match (number + 1..).zip(later).find(|(_, event)| event.concerns(account)) {
            Some((number, event)) => Since::Event(number, Arc::clone(event)),
            None => Since::Nothing { newest },
        }
    }
}

/// Enough for a client of a busy account that reconnects within a minute.
pub(super) const CAPACITY: usize = 4_096;
