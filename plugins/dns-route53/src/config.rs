//! The form, and the rules that a schema cannot express.

use bursar_plugin_sdk::cert_manager::{Common, SecretRef};
use bursar_plugin_sdk::{Error, Rewrite, Violations};
use serde::{Deserialize, Serialize};

/// The form without its secret.
#[derive(Deserialize, Serialize)]
pub struct Config {
    #[serde(rename = "accessKeyID")]
    pub(crate) access_key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(rename = "hostedZoneID", skip_serializing_if = "Option::is_none")]
    pub(crate) hosted_zone_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(rename = "secretAccessKeySecretRef", skip_serializing_if = "Option::is_none")]
    pub(crate) secret_access_key_secret_ref: Option<SecretRef>,
    #[serde(rename = "accessKeyIDSecretRef", skip_serializing_if = "Option::is_none")]
    pub(crate) access_key_id_secret_ref: Option<SecretRef>,
    #[serde(flatten)]
    pub(crate) common: Common,
}

/// The whole form.
#[derive(Deserialize)]
pub struct Full {
    #[serde(flatten)]
    pub(crate) public: Config,
    #[serde(rename = "secretAccessKey")]
    pub(crate) secret_access_key: String,
}

impl Config {
    /// The zone's id as used in requests; the API returns it as
    /// `/hostedzone/Z...`.
    pub(crate) fn normalised(mut self) -> Self {
        self.hosted_zone_id = self.hosted_zone_id.map(|id| id.trim_start_matches("/hostedzone/").to_owned());
        self
    }

    /// Whose policy must allow a missing action, for errors.
    pub(crate) fn principal(&self) -> &str {
        self.role.as_deref().unwrap_or("the user of the access key")
    }
}

impl Full {
    /// Removes the trailing line break of a secret from a file.
    pub(crate) fn check(&self) -> Result<Vec<Rewrite>, Error> {
        let secret = self.secret_access_key.trim();
        let mut violations = Violations::new();
        let is_blank = secret.is_empty() || secret.contains(|c: char| c.is_whitespace() || c.is_control());
        violations.require(!is_blank, SECRET, "blank", "Paste the secret without blanks.");
        let is_key_id = secret.len() == KEY_ID_LENGTH && (secret.starts_with("AKIA") || secret.starts_with("ASIA"));
        violations.require(!is_key_id, SECRET, "key-id", "Paste the secret, not the key's id.");
        violations.finish()?;
        Ok(Rewrite::trimmed(SECRET, &self.secret_access_key).into_iter().collect())
    }
}

pub(crate) const SECRET: &str = "/secretAccessKey";
/// The length of every access key id; a secret has 40 characters.
const KEY_ID_LENGTH: usize = 20;
