//! The form, and the rules that a schema cannot express.

use bursar_plugin_sdk::cert_manager::{Common, SecretRef};
use bursar_plugin_sdk::json::{self, Map, Value};
use bursar_plugin_sdk::{Error, Rewrite, Violations};
use serde::{Deserialize, Serialize};

/// The form without its secret.
#[derive(Deserialize, Serialize)]
pub struct Config {
    pub(crate) project: String,
    #[serde(rename = "hostedZoneName", skip_serializing_if = "Option::is_none")]
    pub(crate) hosted_zone_name: Option<String>,
    /// Read from the key file.
    #[serde(rename = "clientEmail", skip_serializing_if = "Option::is_none")]
    pub(crate) client_email: Option<String>,
    /// Read from the key file.
    #[serde(rename = "privateKeyID", skip_serializing_if = "Option::is_none")]
    pub(crate) private_key_id: Option<String>,
    /// Read from the key file. The host redacts the file's other values from
    /// answers, and zones may be named after the project.
    #[serde(rename = "serviceAccountProject", skip_serializing_if = "Option::is_none")]
    pub(crate) service_account_project: Option<String>,
    #[serde(rename = "serviceAccountSecretRef", skip_serializing_if = "Option::is_none")]
    pub(crate) service_account_secret_ref: Option<SecretRef>,
    #[serde(flatten)]
    pub(crate) common: Common,
}

/// The whole form.
#[derive(Deserialize)]
pub struct Full {
    #[serde(flatten)]
    pub(crate) public: Config,
    #[serde(rename = "serviceAccount")]
    pub(crate) service_account: String,
}

impl Full {
    /// Checks the key file and copies what requests need from it to public
    /// fields.
    pub(crate) fn check(&self) -> Result<Vec<Rewrite>, Error> {
        let key = KeyFile::read(&self.service_account)
            .ok_or_else(|| Violations::one(SECRET, "key-file", "Paste the whole JSON key file."))?;
        let mut violations = Violations::new();
        let mut require = |holds: bool, code: &str, message: &str| violations.require(holds, SECRET, code, message);
        require(key.kind == "service_account", "key-type", "Paste a service account's key file.");
        require(key.client_email.contains('@'), "client-email", "The key file has no client_email.");
        require(!key.private_key_id.is_empty(), "private-key-id", "The key file has no private_key_id.");
        require(is_private_key(&key.private_key), "private-key", "The key file has no PEM private key.");
        let universe = key.universe_domain.as_deref().unwrap_or(UNIVERSE);
        require(universe == UNIVERSE, "universe", "The service account is not of googleapis.com.");
        violations.finish()?;
        let derived = [
            ("/clientEmail", Some(key.client_email)),
            ("/privateKeyID", Some(key.private_key_id)),
            ("/serviceAccountProject", key.project_id),
        ];
        Ok(derived.into_iter().filter_map(|(pointer, value)| Some(Rewrite::new(pointer, value?))).collect())
    }
}

/// <https://google.aip.dev/auth/4112>
#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    project_id: Option<String>,
    client_email: String,
    private_key_id: String,
    private_key: String,
    universe_domain: Option<String>,
}

impl KeyFile {
    fn read(text: &str) -> Option<Self> {
        // Only an object: serde would read a list into a struct as well.
        let object: Map<String, Value> = json::from_str(text).ok()?;
        json::from_value(Value::Object(object)).ok()
    }
}

/// PKCS#8, as Google writes it, or PKCS#1, with its line breaks. Whether it is
/// an RSA key is for the host to find out, which signs with it.
fn is_private_key(text: &str) -> bool {
    let blocks = pem::parse_many(text).unwrap_or_default();
    let [one] = blocks.as_slice() else { return false };
    let first_line = text.trim_start().lines().next().unwrap_or_default();
    ["PRIVATE KEY", "RSA PRIVATE KEY"].contains(&one.tag())
        && !one.contents().is_empty()
        && first_line.trim_end() == format!("-----BEGIN {}-----", one.tag())
}

pub(crate) const SECRET: &str = "/serviceAccount";
const UNIVERSE: &str = "googleapis.com";
