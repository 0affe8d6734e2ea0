//! The form, and the rules that a schema cannot express.

use bursar_plugin_sdk::cert_manager::{Common, SecretRef};
use bursar_plugin_sdk::dns::normal;
use bursar_plugin_sdk::{Error, Rewrite, Violations};
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;

/// The form without its secret.
#[derive(Deserialize, Serialize)]
pub struct Config {
    #[serde(rename = "subscriptionID")]
    pub(crate) subscription_id: String,
    #[serde(rename = "resourceGroupName")]
    pub(crate) resource_group_name: String,
    #[serde(rename = "hostedZoneName", skip_serializing_if = "Option::is_none")]
    pub(crate) hosted_zone_name: Option<String>,
    #[serde(rename = "tenantID")]
    pub(crate) tenant_id: String,
    #[serde(rename = "clientID")]
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) environment: Cloud,
    #[serde(rename = "zoneType", skip_serializing_if = "Option::is_none")]
    pub(crate) zone_type: Option<String>,
    #[serde(rename = "clientSecretSecretRef", skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_secret_ref: Option<SecretRef>,
    #[serde(flatten)]
    pub(crate) common: Common,
}

/// The whole form.
#[derive(Deserialize)]
pub struct Full {
    #[serde(flatten)]
    pub(crate) public: Config,
    #[serde(rename = "clientSecret")]
    pub(crate) client_secret: String,
}

impl Config {
    /// Names as Azure DNS writes them; the cloud is filled in.
    pub(crate) fn normalised(mut self) -> Self {
        self.hosted_zone_name = self.hosted_zone_name.map(|name| normal(&name));
        self
    }
}

impl Full {
    /// Removes the trailing line break of a secret from a file.
    pub(crate) fn check(&self) -> Result<Vec<Rewrite>, Error> {
        let secret = self.client_secret.trim();
        let mut violations = Violations::new();
        let is_blank = secret.is_empty() || secret.contains(|c: char| c.is_whitespace() || c.is_control());
        violations.require(!is_blank, SECRET, "blank", "Paste the secret without blanks.");
        violations.require(!is_uuid(secret), SECRET, "secret-id", "Paste the secret's value, not its id.");
        violations.finish()?;
        Ok(Rewrite::trimmed(SECRET, &self.client_secret).into_iter().collect())
    }
}

/// The id of a secret, which the portal always shows beside it.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

pub(crate) const SECRET: &str = "/clientSecret";
