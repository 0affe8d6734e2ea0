//! Use cases over doubles: a store in memory, a provider that can be told how to
//! behave, and time that passes only where somebody waits.

#![forbid(unsafe_code)]

mod crash;
mod ledger;
mod present;
mod probe;
mod queue;
mod support;
