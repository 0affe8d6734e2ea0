use bursar_plugin_sdk::cert_manager::{Common, SecretRef};
use bursar_plugin_sdk::dns::normal;
use bursar_plugin_sdk::json::{Map, Value, json};
use bursar_plugin_sdk::{Error, Violations};
use serde::{Deserialize, Serialize};

/// The form without its secret: the answer of a server's `/register`, and the
/// server's URL.
#[derive(Deserialize, Serialize)]
pub struct Config {
    url: Option<String>,
    /// cert-manager's name for `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    pub(crate) username: String,
    pub(crate) subdomain: String,
    pub(crate) fulldomain: String,
    /// Older servers answer `null` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowfrom: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) domains: Vec<String>,
    #[serde(rename = "accountSecretRef", skip_serializing_if = "Option::is_none")]
    pub(crate) account_secret_ref: Option<SecretRef>,
    #[serde(flatten)]
    pub(crate) common: Common,
}

impl Config {
    /// With the server in `url` alone, and with normalised names.
    pub(crate) fn normalised(mut self) -> Result<Self, Error> {
        let url = self.url()?.trim_end_matches('/').to_owned();
        let mut violations = Violations::new();
        violations.require(
            self.host.as_ref().is_none_or(|host| host.trim_end_matches('/') == url),
            "/host",
            "two-servers",
            "url and host name different servers; leave one of them out.",
        );
        self.fulldomain = normal(&self.fulldomain);
        self.subdomain = self.subdomain.to_ascii_lowercase();
        violations.require(
            self.fulldomain.strip_prefix(&self.subdomain).is_some_and(|rest| rest.starts_with('.')),
            "/fulldomain",
            "fulldomain",
            "fulldomain is subdomain and the server's zone; paste both from one registration.",
        );
        violations.finish()?;
        self.domains = self.domains.iter().map(|domain| normal(domain)).collect();
        self.host = None;
        self.url = Some(url);
        Ok(self)
    }

    /// Whether the person listed this challenge's domain as a CNAME of the full
    /// domain. A host that follows the CNAME asks for the full domain itself.
    pub(crate) fn leads_here(&self, fqdn: &str) -> bool {
        let fqdn = normal(fqdn);
        let domain = fqdn.strip_prefix("_acme-challenge.");
        self.domains.iter().any(|known| domain == Some(known.strip_prefix("*.").unwrap_or(known)))
    }

    pub(crate) fn url(&self) -> Result<&str, Error> {
        let url = self.url.as_deref().or(self.host.as_deref());
        url.ok_or_else(|| Violations::one("/url", "required", "Give the URL of the acme-dns server.").into())
    }
}

/// The whole form.
#[derive(Deserialize)]
pub struct Full {
    #[serde(flatten)]
    pub(crate) config: Config,
    pub(crate) password: String,
}

impl Full {
    /// The account for each domain: the file that cert-manager, lego and
    /// certbot's hook read.
    pub(crate) fn accounts(&self) -> Result<Value, Error> {
        let Self { config, password } = self;
        if config.domains.is_empty() {
            let message = "This format names each domain: list those whose _acme-challenge is a CNAME of fulldomain.";
            return Err(Violations::one("/domains", "required", message).into());
        }
        let account = json!({
            "username": config.username, "password": password, "subdomain": config.subdomain,
            "fulldomain": config.fulldomain, "allowfrom": config.allowfrom.as_deref().unwrap_or_default(), "server_url": config.url()?,
        });
        let accounts: Map<_, _> = config.domains.iter().map(|domain| (domain.clone(), account.clone())).collect();
        Ok(Value::Object(accounts))
    }
}
