//! The store's tests, one binary: the contract over every engine, tampering,
//! keys, backup, group commit, failing disks.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod anchors;
mod backup;
mod contract;
mod damage;
mod failing;
mod following;
mod grouping;
mod keys;
mod lost_answers;
mod open;
mod reading_ahead;
mod retention;
mod sleeping;
mod support;
mod tamper;
mod trail;
