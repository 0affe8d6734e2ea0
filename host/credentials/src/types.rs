//! Credential types, as callers see them.

use std::sync::Arc;

use bursar_kernel::plugin::{CredentialType, PluginError};
use bursar_kernel::{Caller, Error, Ports, Violation};
use serde_json::Value;

/// The loaded types. Cheap to clone.
#[derive(Clone)]
pub struct CredentialTypes {
    ports: Ports,
}

impl CredentialTypes {
    /// The types of these plugins. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The loaded types, by id. Every caller may see them.
    #[must_use]
    pub fn list(&self, _caller: &Caller) -> Vec<Arc<CredentialType>> {
        self.ports.plugins().types()
    }

    /// One loaded type.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::NotFound`].
    pub fn get(&self, _caller: &Caller, id: &str) -> Result<Arc<CredentialType>, Error> {
        self.ports.plugins().find(id).ok_or_else(|| Error::not_found("credential type"))
    }

    /// The ready-to-edit skeleton of a type's data (S0-33).
    ///
    /// # Errors
    ///
    /// Not found, or the plugin failed.
    pub async fn template(&self, caller: &Caller, id: &str, variant: Option<&str>) -> Result<Value, Error> {
        self.get(caller, id)?;
        match self.ports.plugins().template(id, variant).await {
            Err(PluginError::NotFound(_)) => Err(Error::invalid(vec![Violation::new(
                "?variant",
                "unknown",
                "This type has no such variant: see its `variants`.",
            )])),
            other => Ok(other?),
        }
    }
}
