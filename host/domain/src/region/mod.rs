//! Regions: where an account's credentials are kept in place.

mod model;
mod target;

pub use model::{
    Attachment, Attempt, DriftPolicy, Failure, LoginReference, Mode, OnDetach, Pair, Place, Placement, Region,
    SyncState,
};
pub use target::{Login, Owner, Parcel, Removal, Seen, Setting, Target, TargetError, TargetKind, Targets};
