//! To be written.

use std::sync::Arc;

use bursar_domain::Violation;
use bursar_domain::region::{Login, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use uuid::Uuid;

use crate::settings::Settings;

/// The kind.
pub(super) const KIND: TargetKind = TargetKind {
    id: "kubernetes",
    title: "Kubernetes",
    summary: "",
    settings: &[],
    preferred_formats: "kubernetes.io/",
};

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    Settings::new(&KIND, settings).finish()
}

pub(super) async fn open(installation: Uuid, settings: &SecretJson) -> Result<Arc<dyn Target>, TargetError> {
    let _ = (settings, installation, None::<Login>);
    Err(TargetError::Failed(String::new()))
}
