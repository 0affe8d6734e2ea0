//! DNS-01 challenges with an acme-dns server, to which `_acme-challenge` is a
//! CNAME.
//!
//! Least privilege is the purpose of acme-dns: a registration may set the TXT
//! values of its one name and nothing else.
//!
//! API: <https://github.com/joohoi/acme-dns#api>

#![forbid(unsafe_code)]

mod api;
mod form;

use bursar_plugin_sdk::cert_manager::Solver;
use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Dns01, Error, Inspection, Report, Rewrite, TxtRecord, Violations, export_dns01,
    export_type, json::json, variable,
};

pub use form::{Config, Full};

export_type!(AcmeDns);
export_dns01!(AcmeDns);

/// The provider `dns-acme-dns`.
pub struct AcmeDns;

impl CredentialType for AcmeDns {
    type Public = Config;
    type Full = Full;

    fn inspect(config: Config, _: &Context) -> Result<Inspection, Error> {
        let config = config.normalised()?;
        Inspection::new(&config)?.attribute("fulldomain", &config.fulldomain)?.attribute("domains", &config.domains)
    }

    fn check(full: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let password = full.password.trim();
        let mut violations = Violations::new();
        violations.require(
            !password.is_empty() && password.bytes().all(|byte| byte.is_ascii_graphic()),
            "/password",
            "characters",
            "The password holds a blank or a special character; paste it alone.",
        );
        violations.finish()?;
        Ok(Rewrite::trimmed("/password", &full.password).into_iter().collect())
    }

    fn materialize(full: Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error> {
        let url = full.config.url()?;
        let Full { config, password } = &full;
        match format {
            "cert-manager" => Solver::new("acmeDNS", &context.name)
                .field("host", url)
                .secret(
                    "accountSecretRef",
                    config.account_secret_ref.as_ref(),
                    "acmedns.json",
                    &full.accounts()?.to_string(),
                )
                .artifacts(&config.common),
            "acme-dns/accounts.json" => Ok(vec![Artifact::json("accounts.json", &full.accounts()?)?]),
            "env" => Artifact::env(&[
                variable("ACMEDNS_BASE_URL", "/url", url),
                variable("ACMEDNS_USERNAME", "/username", &config.username),
                variable("ACMEDNS_PASSWORD", "/password", password),
                variable("ACMEDNS_SUBDOMAIN", "/subdomain", &config.subdomain),
            ]),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Dns01 for AcmeDns {
    type Config = Config;

    fn check(config: Config, fqdn: Option<&str>, _: &Context) -> Result<Report, Error> {
        let has_written = api::try_account(&config)?;
        let Config { fulldomain, .. } = &config;
        let name = fqdn.map_or("_acme-challenge.<domain>", |fqdn| fqdn);
        let summary = if has_written {
            format!("May write to {fulldomain}, to which {name} must be a CNAME.")
        } else {
            format!("Signed in for {fulldomain}, to which {name} must be a CNAME; nothing was written.")
        };
        let proved = if has_written { "write" } else { "sign-in" };
        let details = json!({ "fulldomain": fulldomain, "proved": [proved] }).to_string();
        Ok(Report { summary, details })
    }

    fn present(config: Config, txt: &TxtRecord, _: &Context) -> Result<String, Error> {
        api::present(&config, txt)
    }

    /// The server cannot remove a value: it keeps the last two of a name, and
    /// new ones replace them.
    fn cleanup(_: Config, _: &TxtRecord, _: &str, _: &Context) -> Result<(), Error> {
        Ok(())
    }
}
