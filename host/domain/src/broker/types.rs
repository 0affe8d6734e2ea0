//! Credential types, as callers see them.

use std::sync::Arc;

use serde_json::Value;

use super::Broker;
use crate::access::Caller;
use crate::plugin::{CredentialType, PluginError};
use crate::{Error, Violation};

impl Broker {
    /// The loaded types, by id. Every caller may see them.
    #[must_use]
    pub fn credential_types(&self, _caller: &Caller) -> Vec<Arc<CredentialType>> {
        self.plugins().types()
    }

    /// One loaded type.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::NotFound`].
    pub fn credential_type(&self, _caller: &Caller, id: &str) -> Result<Arc<CredentialType>, Error> {
        self.plugins().find(id).ok_or_else(|| Error::not_found("credential type"))
    }

    /// The ready-to-edit skeleton of a type's data (S0-33).
    ///
    /// # Errors
    ///
    /// Not found, or the plugin failed.
    pub async fn template(&self, caller: &Caller, id: &str, variant: Option<&str>) -> Result<Value, Error> {
        self.credential_type(caller, id)?;
        match self.plugins().template(id, variant).await {
            Err(PluginError::NotFound(_)) => Err(Error::invalid(vec![Violation::new(
                "?variant",
                "unknown",
                "This type has no such variant: see its `variants`.",
            )])),
            other => Ok(other?),
        }
    }
}
