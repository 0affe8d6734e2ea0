//! Bursar's storage: a revisioned ordered map over one redb file or one
//! `PostgreSQL` database, with every value sealed and every change in an audit chain.
//!
//! Start at [`Ledger`], which implements the domain's `Store`, `BlindIndex` and `Trail`.
//! Below it, bottom up: an [`engine`] stores bytes and nothing more; sealing binds
//! each value to its key and revision; the keyring wraps keys with keys, up to the
//! root key; the chain records what each commit did; the committer joins many
//! batches into one durable commit. [`backup`] writes and restores a whole store.
//!
//! This crate does not know what the values mean, who may read them, HTTP or
//! plugins.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod anchor;
pub mod backup;
mod chain;
mod checkpoint;
mod committer;
pub mod engine;
mod follow;
mod group;
mod high_water_mark;
mod identity;
mod keyring;
mod ledger;
mod open;
mod outcome;
mod pace;
mod read_ahead;
mod rekey;
mod retention;
mod root;
mod rows;
mod seal;
mod segment;
mod tables;
mod trail;
mod verify;

pub use checkpoint::is_signed;
pub use committer::Stats;
pub use follow::RootKeyStatus;
pub use ledger::{Ledger, RekeyError};
pub use open::{Config, OpenError, ReadOnlyLedger, Storage};
pub use retention::{PruneError, Pruned};
pub use root::{RootKeyError, RootKeySource};
pub use segment::{Segment, SegmentError};

/// The most changes, and the most events, in one batch.
pub const MAX_CHANGES: usize = 4096;
