//! What happens to plugins, for the audit trail.

use bursar_kernel::plugin::State;

/// Something that happened to a plugin without a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PluginEvent {
    /// It is active.
    Loaded {
        /// The type's id.
        id: String,
        /// Its version.
        version: String,
        /// `sha256:<hex>`.
        digest: String,
        /// `built-in`, or the file.
        source: String,
        /// The version it replaces.
        replaces: Option<String>,
    },
    /// It is described but not called until an operator has reviewed it.
    Waiting {
        /// The type's id.
        id: String,
        /// Its version.
        version: String,
        /// `sha256:<hex>`.
        digest: String,
        /// The file.
        source: String,
        /// [`State::Pending`] or [`State::NeedsReview`].
        state: State,
        /// For the operator.
        reason: String,
    },
    /// It is rejected.
    Rejected {
        /// The type's id, or the file's stem where it could not be described.
        id: String,
        /// `sha256:<hex>`; empty where the file could not be read.
        digest: String,
        /// `built-in`, or the file.
        source: String,
        /// For the operator.
        reason: String,
    },
    /// Its file is gone.
    Removed {
        /// The type's id.
        id: String,
        /// `sha256:<hex>` of the component that was active.
        digest: String,
        /// The file.
        source: String,
    },
}

impl PluginEvent {
    /// Writes the event to the log.
    pub(crate) fn log(&self) {
        match self {
            Self::Loaded { id, version, digest, source, replaces } => {
                tracing::info!(plugin = id, version, digest, source, replaces, "plugin loaded");
            }
            Self::Waiting { id, version, digest, source, reason, .. } => {
                tracing::warn!(plugin = id, version, digest, source, reason, "plugin waits for an operator");
            }
            Self::Rejected { id, source, reason, .. } => {
                tracing::warn!(plugin = id, source, reason, "plugin rejected");
            }
            Self::Removed { id, digest, source } => {
                tracing::warn!(plugin = id, digest, source, "plugin removed");
            }
        }
    }
}
