use bursar_kernel::clock::rfc3339;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::MadeBy;

/// A line of a credential's history; holds no data.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialVersion {
    /// From 1.
    pub version: u32,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// By whom.
    pub actor: String,
    /// How it came to be.
    pub action: VersionAction,
    /// JSON Pointers of the top-level fields that differ from the version before.
    pub changed: Vec<String>,
    /// The component that validated it.
    pub plugin: MadeBy,
    /// Whether it is what is handed out now.
    pub current: bool,
}

/// How a version came to be.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum VersionAction {
    /// With the credential.
    Create,
    /// By a change of its data.
    Update,
    /// By going back to an older version.
    Restore,
}

impl From<bursar_credentials::VersionView> for CredentialVersion {
    fn from(view: bursar_credentials::VersionView) -> Self {
        let version = view.version;
        Self {
            version: version.version,
            created_at: rfc3339(version.created_at),
            actor: version.actor,
            action: version.action.into(),
            changed: version.changed,
            plugin: version.plugin.into(),
            current: view.current,
        }
    }
}

impl From<bursar_credentials::VersionAction> for VersionAction {
    fn from(action: bursar_credentials::VersionAction) -> Self {
        match action {
            bursar_credentials::VersionAction::Create => Self::Create,
            bursar_credentials::VersionAction::Update => Self::Update,
            bursar_credentials::VersionAction::Restore => Self::Restore,
        }
    }
}
