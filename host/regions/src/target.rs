//! The port to where credentials are put: directories, clusters, vaults and
//! receivers of somebody else's.
//!
//! A target tells what is ours from what is not, and never changes or removes
//! the latter. It decides nothing else: when to push, what, and whether it is
//! worth it is the broker's.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bursar_kernel::Violation;
use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::plugin::Artifact;
use bursar_kernel::secret::SecretJson;
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Region, SettingsSchema};

/// Whose a thing at a target is. The ids decide; the names are for people and
/// for where it goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The installation, so that two brokers can share a target.
    pub installation: Uuid,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
    /// The credential.
    pub credential: CredentialId,
    /// Its name.
    pub credential_name: String,
}

/// What is put at one place.
pub struct Parcel {
    /// Whose.
    pub owner: Owner,
    /// The credential's type.
    pub type_id: String,
    /// Version of its data.
    pub version: u32,
    /// The formats the artifacts come from, in order; the first decides the kind
    /// of the whole, where a target has kinds.
    pub formats: Vec<String>,
    /// Uniquely named, at least one. All of them are secret.
    pub artifacts: Vec<Artifact>,
    /// The same for every try of one push, and for no other push.
    pub idempotency_key: String,
}

/// What a removal is about.
pub struct Removal {
    /// Whose.
    pub owner: Owner,
    /// The same for every try of one removal, and for no other.
    pub idempotency_key: String,
}

/// What is at a place.
pub enum Seen {
    /// Nothing.
    Nothing,
    /// Ours, with this content: names and bytes.
    Ours(Vec<(String, Zeroizing<Vec<u8>>)>),
    /// Somebody else's. The text says whose or what, for a person.
    Foreign(String),
    /// The target takes things and shows none.
    CannotTell,
}

/// A sign-in that is kept as a credential: its `login` format.
#[derive(Clone)]
pub struct Login {
    /// A user name, or the role of a role-based login.
    pub username: String,
    /// The password, token or secret.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// Where credentials of one region are put.
///
/// A place is a text that the target makes of an [`Owner`] and finds the thing
/// again by, also after the owner was renamed. What it returns as a receipt is
/// kept and given back with the next call; it holds no secret.
#[async_trait]
pub trait Target: Send + Sync {
    /// Where a credential of this owner goes. Does no I/O; the same for the same
    /// owner and settings.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where the target cannot name such a thing.
    fn place(&self, owner: &Owner) -> Result<String, TargetError>;

    /// Puts a parcel at `place`: creates what is not there, replaces what is
    /// ours, and refuses what is not. A reader never sees half of an artifact.
    ///
    /// # Errors
    ///
    /// [`TargetError::Foreign`] where something else is in the way; then nothing
    /// was written.
    async fn put(&self, place: &str, parcel: &Parcel, receipt: Option<&Value>) -> Result<Value, TargetError>;

    /// Removes what is ours at `place`. That there is nothing, or nothing of
    /// ours, is success, and leaves it alone.
    ///
    /// # Errors
    ///
    /// Where it could not be removed.
    async fn remove(&self, place: &str, removal: &Removal, receipt: Option<&Value>) -> Result<(), TargetError>;

    /// Looks at `place`.
    ///
    /// # Errors
    ///
    /// Where it could not be looked at.
    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError>;

    /// Whether the target can be reached and lets us in. Changes nothing there.
    ///
    /// # Errors
    ///
    /// Why not.
    async fn check(&self) -> Result<(), TargetError>;
}

/// A kind of target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TargetKind {
    /// `directory`, `kubernetes`, ...
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// The schema of its settings.
    pub settings: SettingsSchema,
    /// Whether a credential can sign the broker in there.
    pub takes_login: bool,
    /// The prefix of preferred formats. A credential is pushed in its first format
    /// with this prefix, or else in its very first.
    pub preferred_formats: &'static str,
}

impl TargetKind {
    /// JSON Pointers of the settings that are never shown again.
    #[must_use]
    pub fn secret_pointers(&self) -> Vec<String> {
        self.settings.iter().filter(|setting| setting.secret).map(|setting| format!("/{}", setting.name)).collect()
    }
}

/// The supported kinds of targets.
#[async_trait]
pub trait Targets: Send + Sync {
    /// Every kind.
    fn kinds(&self) -> &'static [TargetKind];

    /// Every violation of settings at once, with pointers relative to the settings.
    fn judge(&self, kind: &str, settings: &SecretJson) -> Vec<Violation>;

    /// The target of a region. Cheap where it was opened before with the same
    /// settings and login.
    ///
    /// # Errors
    ///
    /// Where the settings cannot be used now, such as a missing file.
    async fn open(
        &self,
        installation: Uuid,
        region: &Region,
        login: Option<Login>,
    ) -> Result<Arc<dyn Target>, TargetError>;
}

/// Why a target could not do it. The texts are for people who run the broker:
/// what is wrong and the cure, and never a secret, also not one that the other
/// side echoes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// No connection, no answer in time, or an answer that says it is unwell.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// Asked to wait, perhaps for so many seconds.
    #[error("asked to wait: {message}")]
    Throttled {
        /// What it said.
        message: String,
        /// How long.
        seconds: Option<u32>,
    },
    /// Our sign-in is not accepted, or may not do this.
    #[error("refused: {0}")]
    Refused(String),
    /// Something that is not ours is in the way.
    #[error("in the way: {0}")]
    Foreign(String),
    /// The target will never take this as it is.
    #[error("not accepted: {0}")]
    Invalid(String),
    /// Somebody changed it at the same time.
    #[error("changed meanwhile: {0}")]
    Conflict(String),
    /// Anything else.
    #[error("failed: {0}")]
    Failed(String),
}

impl TargetError {
    /// Whether another try may go better without anybody doing something.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Throttled { .. } | Self::Conflict(_) => true,
            Self::Refused(_) | Self::Foreign(_) | Self::Invalid(_) | Self::Failed(_) => false,
        }
    }

    /// The error's code, for metrics and the audit trail.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Throttled { .. } => "throttled",
            Self::Refused(_) => "refused",
            Self::Foreign(_) => "foreign",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::Failed(_) => "failed",
        }
    }
}
