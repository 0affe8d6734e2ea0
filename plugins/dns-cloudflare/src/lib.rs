//! DNS-01 challenges in zones at Cloudflare.
//!
//! Least privilege: an API token with *Zone: Zone: Read* and *Zone: DNS: Edit*
//! for the zones in question; with `zoneID` the second alone. The host stores
//! and sends it; this code sees it only to write the files.
//!
//! API: <https://developers.cloudflare.com/api/resources/dns/subresources/records/>

#![forbid(unsafe_code)]

mod api;
mod inactive;

use bursar_plugin_sdk::cert_manager::{Common, SecretRef, Solver};
use bursar_plugin_sdk::dns::Records as _;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Report, Rewrite, TxtRecord, Violations, export_dns01,
    export_type, serde, variable,
};
use serde::{Deserialize, Serialize};

use api::Api;

export_type!(Cloudflare);
export_dns01!(Cloudflare);

/// The provider `dns-cloudflare`.
pub struct Cloudflare;

impl CredentialType for Cloudflare {
    type Public = Config;
    type Full = Full;

    fn inspect(config: Config, _: &Context) -> Result<Inspection, Error> {
        if config.api_token_secret_ref.is_some() && config.api_key_secret_ref.is_some() {
            let message = "Give an API token or the global API key, not both.";
            return Err(Violations::one("/apiKeySecretRef", "one-credential", message).into());
        }
        let kind = if config.has_key() { "global API key" } else { "API token" };
        Inspection::new(&config)?.attribute("authentication", kind)?.attribute("zoneID", &config.zone_id)
    }

    fn check(full: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let (pointer, secret) = full.secret()?;
        let mut violations = Violations::new();
        let inside = secret.trim();
        violations.require(
            !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_graphic()),
            pointer,
            "characters",
            "The token or key holds a blank or a special character; paste it alone.",
        );
        violations.finish()?;
        Ok(Rewrite::trimmed(pointer, secret).into_iter().collect())
    }

    fn materialize(full: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        let (_, secret) = full.secret()?;
        let Config { email, api_token_secret_ref, api_key_secret_ref, common, .. } = &full.config;
        let email = email.as_deref();
        match (format, email.filter(|_| full.config.has_key())) {
            ("cert-manager", Some(email)) => Solver::new("cloudflare", &context.name)
                .field("email", email)
                .secret("apiKeySecretRef", api_key_secret_ref.as_ref(), "api-key", secret)
                .artifacts(common),
            ("cert-manager", None) => Solver::new("cloudflare", &context.name)
                .field("email", email)
                .secret("apiTokenSecretRef", api_token_secret_ref.as_ref(), "api-token", secret)
                .artifacts(common),
            ("env", Some(email)) => Artifact::env(&[
                variable("CLOUDFLARE_EMAIL", "/email", email),
                variable("CLOUDFLARE_API_KEY", "/apiKey", secret),
            ]),
            ("env", None) => Artifact::env(&[variable("CLOUDFLARE_DNS_API_TOKEN", "/apiToken", secret)]),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for Cloudflare {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Api::new(&config).probe(fqdn, context)
    }

    fn present(config: Config, txt: &TxtRecord, _: &Context) -> Result<String, Error> {
        Api::new(&config).present(txt)
    }

    fn cleanup(config: Config, txt: &TxtRecord, handle: &str, _: &Context) -> Result<(), Error> {
        Api::new(&config).cleanup(txt, handle)
    }
}

/// The form without its secrets.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(rename = "zoneID", skip_serializing_if = "Option::is_none")]
    zone_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_token_secret_ref: Option<SecretRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_secret_ref: Option<SecretRef>,
    #[serde(flatten)]
    common: Common,
}

impl Config {
    /// Whether the credential is a global API key. Calls without secrets must
    /// infer it from the other fields: a token may come with an e-mail address
    /// only if `apiTokenSecretRef` marks it as a token.
    fn has_key(&self) -> bool {
        self.api_key_secret_ref.is_some() || (self.email.is_some() && self.api_token_secret_ref.is_none())
    }
}

/// The whole form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Full {
    #[serde(flatten)]
    config: Config,
    api_token: Option<String>,
    api_key: Option<String>,
}

impl Full {
    /// The secret that [`Config::has_key`] says is used, and where it is.
    fn secret(&self) -> Result<(&'static str, &str), Error> {
        let (pointer, used, other, unused) = if self.config.has_key() {
            ("/apiKey", &self.api_key, "/apiToken", &self.api_token)
        } else {
            ("/apiToken", &self.api_token, "/apiKey", &self.api_key)
        };
        let Some(secret) = used else {
            return Err(Violations::one(pointer, "required", "Give the API token or key itself.").into());
        };
        if unused.is_some() {
            return Err(
                Violations::one(other, "one-credential", "Give an API token or the global API key, not both.").into()
            );
        }
        Ok((pointer, secret))
    }
}
