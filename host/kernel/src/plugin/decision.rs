//! The operators' decisions about plugins, kept in the store and valid on every
//! node.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Permissions;
use crate::Error;

/// The decisions about the plugin of one id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The plugin's id.
    pub plugin: String,
    /// What it may.
    pub grant: Option<Grant>,
    /// A revocation: it may not be called, whatever it asks for.
    pub revoked: Option<Revocation>,
    /// A rollback to an earlier component.
    pub pin: Option<Pin>,
}

/// What an operator granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// What the component asked for when it was granted.
    pub permissions: Permissions,
    /// That component: `sha256:<hex>`.
    pub digest: String,
    /// Who granted it.
    pub by: String,
    /// When.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
}

/// Who revoked a grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// Who.
    pub by: String,
    /// When.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
}

/// A rollback. It holds while the plugin's file is the one that was set aside:
/// another file means that somebody has fixed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// The active component: `sha256:<hex>`.
    pub digest: String,
    /// What the file held: `sha256:<hex>`, empty if it could not be read.
    pub set_aside: String,
    /// Who rolled back.
    pub by: String,
    /// When.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
}

/// The port through which the plugin host reads them.
#[async_trait]
pub trait Decisions: Send + Sync {
    /// Every decision.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    async fn all(&self) -> Result<Vec<Decision>, Error>;
}
