//! Regions: where an account's credentials are kept in place.

mod draft;
mod model;
mod notice;
mod settings;
mod target;

pub use draft::{AttachmentDraft, LoginDraft, RegionDraft, RegionPatch};
pub use model::{
    Attachment, Attempt, DriftPolicy, Failure, LoginReference, Mode, OnDetach, Pair, Place, Placement, Region,
    SyncState,
};
pub use notice::{Done, Notice, Notices, PlacementNotice, Standing};
pub use settings::{Setting, SettingsSchema};
pub use target::{Login, Owner, Parcel, Removal, Seen, Target, TargetError, TargetKind, Targets};
