//! Requests to Azure Resource Manager in the service principal's name.

use std::cell::Cell;

use bursar_plugin_sdk::Error;
use bursar_plugin_sdk::http::{Parts, Request, Response, Secret, encoded};

use crate::cloud::Place;
use crate::config::{Config, SECRET};
use crate::failure;

/// The API for one call; signs in at the first request.
pub(crate) struct Session {
    pub(crate) config: Config,
    place: Place,
    is_signed_in: Cell<bool>,
}

impl Session {
    pub(crate) fn new(config: Config) -> Self {
        Self { place: config.environment.place(), config, is_signed_in: Cell::new(false) }
    }

    /// The path of all zones of the resource group.
    pub(crate) fn zones_url(&self) -> String {
        format!(
            "{}/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/dnsZones",
            self.place.resource_manager,
            encoded(&self.config.subscription_id),
            encoded(&self.config.resource_group_name),
        )
    }

    /// Sends what `request` makes. If the token is refused although it is new,
    /// signs in again once.
    pub(crate) fn send(&self, request: impl Fn() -> Request) -> Result<Response, Error> {
        if !self.is_signed_in.get() {
            self.sign_in()?;
        }
        let send =
            || request().query("api-version", API_VERSION).bearer(Parts::new().captured(self.place.token)).send();
        let response = send()?;
        if response.status != 401 {
            return Ok(response);
        }
        self.sign_in()?;
        send()
    }

    /// The client credentials grant, whose token stays at the host:
    /// <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.
    fn sign_in(&self) -> Result<(), Error> {
        let Config { tenant_id, client_id, .. } = &self.config;
        let response = Request::post(format!("{}/{}/oauth2/v2.0/token", self.place.login, encoded(tenant_id)))
            .form(&[
                ("client_id", client_id.into()),
                ("client_secret", Parts::new().form_encoded(Secret(SECRET))),
                ("grant_type", "client_credentials".into()),
                ("scope", self.place.scope.into()),
            ])
            .endpoint(self.place.endpoint)
            .send()?;
        if !response.is_success() {
            return Err(failure::of_sign_in(&response, &self.config));
        }
        if response.captured().is_empty() {
            return Err(failure::ENTRA.unreadable(&response));
        }
        self.is_signed_in.set(true);
        Ok(())
    }
}

/// Of the public zones; later ones are previews.
const API_VERSION: &str = "2018-05-01";
