//! Where Bursar keeps things: a revisioned ordered map over one redb file or
//! one `PostgreSQL` database, everything sealed, every change in an audit chain.
//!
//! Start at [`Ledger`]: it is the domain's `Store`, `BlindIndex` and `Trail`. Below
//! it, bottom up: an [`engine`] stores bytes and knows nothing else; sealing
//! binds each value to its key and revision; the keyring wraps keys with keys
//! up to the root key; the chain says what each commit did; the committer puts
//! many batches into one durable commit. [`backup`] writes and restores the
//! whole of it.
//!
//! Deliberately unknown here: what the values mean, who may read them, HTTP,
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

/// Changes, and events, that one batch may hold.
pub const MAX_CHANGES: usize = 4096;
