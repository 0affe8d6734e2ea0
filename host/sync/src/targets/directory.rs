//! To be written.

use std::sync::Arc;

use bursar_domain::Violation;
use bursar_domain::region::{Login, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use uuid::Uuid;

use crate::settings::Settings;

/// The kind.
pub(super) const KIND: TargetKind =
    TargetKind { id: "directory", title: "Directory", summary: "", settings: &[], preferred_formats: "" };

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    Settings::new(&KIND, settings).finish()
}

pub(super) fn open(settings: &SecretJson) -> Result<Arc<dyn Target>, TargetError> {
    let _ = (settings, Uuid::nil(), None::<Login>);
    Err(TargetError::Failed(String::new()))
}
