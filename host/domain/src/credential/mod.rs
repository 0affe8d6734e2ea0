//! A credential: what is stored of it, what is shown of it, and the part of a
//! request that the core itself can judge.

mod draft;
mod model;
mod status;
mod view;

pub use draft::{Draft, Patch};
pub(crate) use draft::{MAX_LABEL_BYTES, MAX_LABELS, judge_credential_name, judge_name, judge_title};
pub use model::{Credential, MadeBy, Version, VersionAction};
pub use status::{Status, Warning};
pub use view::{SyncRow, VersionView, View};
