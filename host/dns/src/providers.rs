//! DNS providers, as callers see them: the types that can answer challenges.

use std::sync::Arc;

use bursar_credentials::CredentialTypes;
use bursar_kernel::plugin::CredentialType;
use bursar_kernel::{Caller, Error};
use serde_json::Value;

use crate::provider;

/// The loaded DNS providers. Cheap to clone.
#[derive(Clone)]
pub struct DnsProviders {
    types: CredentialTypes,
}

impl DnsProviders {
    /// The providers among these types. Does no I/O.
    #[must_use]
    pub fn new(types: CredentialTypes) -> Self {
        Self { types }
    }

    /// The loaded types that are DNS providers. Every caller may see them.
    #[must_use]
    pub fn list(&self, caller: &Caller) -> Vec<Arc<CredentialType>> {
        self.types.list(caller).into_iter().filter(|of| provider::id(of).is_some()).collect()
    }

    /// One provider, by its short id.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::NotFound`].
    pub fn get(&self, caller: &Caller, provider: &str) -> Result<Arc<CredentialType>, Error> {
        provider::find(self.types.list(caller), provider).ok_or_else(|| Error::not_found("DNS provider"))
    }

    /// The ready-to-edit skeleton of a provider's data.
    ///
    /// # Errors
    ///
    /// As for [`CredentialTypes::template`].
    pub async fn template(&self, caller: &Caller, provider: &str, variant: Option<&str>) -> Result<Value, Error> {
        let of = self.get(caller, provider)?;
        self.types.template(caller, &of.manifest.id, variant).await
    }
}
