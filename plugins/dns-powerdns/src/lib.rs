//! DNS-01 challenges in zones of a `PowerDNS` Authoritative Server.
//!
//! Least privilege: `PowerDNS` has one API key, which may do everything. Keep
//! the API on an address that only this system reaches, or behind a proxy that
//! allows only zone lists and changes of `_acme-challenge` names.
//!
//! API: <https://doc.powerdns.com/authoritative/http-api/zone.html>

#![forbid(unsafe_code)]

mod api;

use bursar_plugin_sdk::cert_manager::{Common, SecretRef, Solver};
use bursar_plugin_sdk::dns::RecordSets as _;
use bursar_plugin_sdk::json::json;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Report, Rewrite, TxtRecord, Violations, export_dns01,
    export_type, serde, variable,
};
use serde::{Deserialize, Serialize};

use api::Api;

export_type!(PowerDns);
export_dns01!(PowerDns);

/// The provider `dns-powerdns`.
pub struct PowerDns;

impl CredentialType for PowerDns {
    type Public = Config;
    type Full = Full;

    fn inspect(mut config: Config, _: &Context) -> Result<Inspection, Error> {
        let url = config.url.trim_end_matches('/');
        config.url = url.strip_suffix(api::PATH).unwrap_or(url).trim_end_matches('/').to_owned();
        config.server.get_or_insert_with(|| DEFAULT_SERVER.into());
        Inspection::new(&config)?.attribute("server", &config.server)
    }

    fn check(full: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let key = full.api_key.trim();
        let mut violations = Violations::new();
        violations.require(
            !key.is_empty() && key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
            "/apiKey",
            "characters",
            "The API key holds a line break or a special character, which no header can carry.",
        );
        violations.finish()?;
        Ok(Rewrite::trimmed("/apiKey", &full.api_key).into_iter().collect())
    }

    fn materialize(full: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        let Full { config, api_key } = &full;
        match format {
            "cert-manager" => {
                let mut solver = Solver::new("webhook", &context.name);
                let reference = solver.keep(config.api_key_secret_ref.as_ref(), "api-key", api_key);
                solver
                    .field("groupName", WEBHOOK_GROUP)
                    .field("solverName", WEBHOOK_SOLVER)
                    .field(
                        "config",
                        json!({ "host": config.url, "serverID": config.server(), "apiKeySecretRef": reference }),
                    )
                    .artifacts(&config.common)
            }
            "env" => Artifact::env(&[
                variable("PDNS_API_URL", "/url", &config.url),
                variable("PDNS_SERVER_NAME", "/server", config.server()),
                variable("PDNS_API_KEY", "/apiKey", api_key),
            ]),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for PowerDns {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        Api::new(&config).check(fqdn, context)
    }

    fn present(config: Config, txt: &TxtRecord, _: &Context) -> Result<String, Error> {
        Api::new(&config).present(txt)
    }

    fn cleanup(config: Config, txt: &TxtRecord, handle: &str, _: &Context) -> Result<(), Error> {
        Api::new(&config).cleanup(txt, handle)
    }
}

/// The form without its secret.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    url: String,
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_secret_ref: Option<SecretRef>,
    #[serde(flatten)]
    common: Common,
}

impl Config {
    fn server(&self) -> &str {
        self.server.as_deref().unwrap_or(DEFAULT_SERVER)
    }
}

/// The whole form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Full {
    #[serde(flatten)]
    config: Config,
    api_key: String,
}

/// The server id of `PowerDNS`, unless configured otherwise.
const DEFAULT_SERVER: &str = "localhost";
/// <https://github.com/zachomedia/cert-manager-webhook-pdns>: cert-manager has
/// no built-in solver for `PowerDNS`.
const WEBHOOK_GROUP: &str = "acme.zacharyseguin.ca";
const WEBHOOK_SOLVER: &str = "pdns";
