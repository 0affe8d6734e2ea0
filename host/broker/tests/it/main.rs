//! Use cases over doubles: a store in memory, a provider that can be told how to
//! behave, and time that passes only where somebody waits.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "the tests' own steps; clippy exempts only functions marked as tests")]

mod bindings;
mod certificates;
mod crash;
mod defaults;
mod images;
mod ledger;
mod present;
mod probe;
mod queue;
mod regions;
mod resolve;
mod support;
mod taint;
mod usage;
