//! DNS providers, as callers see them: the types that can answer challenges.

use std::sync::Arc;

use serde_json::Value;

use super::super::Broker;
use crate::Error;
use crate::access::Caller;
use crate::dns::{find_provider, provider_id};
use crate::plugin::CredentialType;

impl Broker {
    /// The loaded types that are DNS providers. Every caller may see them.
    #[must_use]
    pub fn dns_providers(&self, _caller: &Caller) -> Vec<Arc<CredentialType>> {
        self.plugins().types().into_iter().filter(|of| provider_id(of).is_some()).collect()
    }

    /// One provider, by its short id.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::NotFound`].
    pub fn dns_provider(&self, _caller: &Caller, provider: &str) -> Result<Arc<CredentialType>, Error> {
        find_provider(self.plugins().types(), provider).ok_or_else(|| Error::not_found("DNS provider"))
    }

    /// The ready-to-edit skeleton of a provider's data.
    ///
    /// # Errors
    ///
    /// As for [`Broker::template`].
    pub async fn dns_provider_template(
        &self,
        caller: &Caller,
        provider: &str,
        variant: Option<&str>,
    ) -> Result<Value, Error> {
        let of = self.dns_provider(caller, provider)?;
        self.template(caller, &of.manifest.id, variant).await
    }
}
