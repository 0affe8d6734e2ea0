//! Regions: where an account's credentials are kept in place.

mod model;
mod target;

pub use model::{DriftPolicy, LoginReference, Mode, Region};
pub use target::{Login, Owner, Parcel, Removal, Seen, Setting, Target, TargetError, TargetKind, Targets};
