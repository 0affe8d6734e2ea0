//! To be written.

use std::sync::Arc;

use bursar_domain::Violation;
use bursar_domain::region::{Login, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use uuid::Uuid;

use crate::settings::Settings;

/// The kind.
pub(super) const KIND: TargetKind =
    TargetKind { id: "webhook", title: "Webhook", summary: "", settings: &[], preferred_formats: "" };

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    Settings::new(&KIND, settings).finish()
}

pub(super) fn open(
    region: &bursar_domain::id::Name,
    settings: &SecretJson,
    login: Option<Login>,
) -> Result<Arc<dyn Target>, TargetError> {
    let _ = (region, settings, Uuid::nil(), login);
    Err(TargetError::Failed(String::new()))
}
