//! Use cases about DNS records that answer challenges: a stored credential of a
//! DNS provider put to use.
//!
//! The provider is outside, so a change goes in three steps: the intent is
//! committed (an event, a row of the ledger, the lease of the record set, all
//! in one batch), the plugin is called, the outcome is committed. What a crash
//! leaves between the two commits is found by its row and cleaned up.

mod change;
mod cleanup;
mod ledger;
mod lock;
mod present;
mod providers;
mod request;
mod sweep;

pub use sweep::SweepFailure;

pub(super) use lock::Turn;
