//! The format `cert-manager`: a solver for an `Issuer` and the Secret it reads
//! (<https://cert-manager.io/docs/configuration/acme/dns01/>).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::{Map, Value, json};
use crate::{Artifact, Error};

/// The fields that every provider's solver has. Flatten it into the form's
/// public half.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Common {
    /// `None` or `Follow`: what cert-manager does with a CNAME. The host always
    /// follows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cname_strategy: Option<String>,
    /// Kept but unused: the host has its own resolvers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nameservers: Option<Vec<String>>,
}

/// A reference such as `apiTokenSecretRef`: where cert-manager finds a secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SecretRef {
    /// Name of the Secret.
    pub name: String,
    /// Key inside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Builds a solver and its Secrets.
#[derive(Clone, Debug)]
pub struct Solver {
    provider: &'static str,
    config: Map<String, Value>,
    default_name: String,
    secrets: BTreeMap<String, BTreeMap<String, String>>,
}

impl Solver {
    /// A solver of cert-manager's `provider`, such as `cloudflare`. `name` is
    /// the credential's, and the name of the Secret unless a [`SecretRef`]
    /// names another.
    #[must_use]
    pub fn new(provider: &'static str, name: &str) -> Self {
        Self { provider, config: Map::new(), default_name: secret_name(name), secrets: BTreeMap::new() }
    }

    /// Sets a field; `null` and `None` leave it out.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.config.insert(name.to_owned(), value);
        }
        self
    }

    /// Sets the reference `field` and stores the secret where it points.
    #[must_use]
    pub fn secret(mut self, field: &str, reference: Option<&SecretRef>, default_key: &str, secret: &str) -> Self {
        let reference = self.keep(reference, default_key, secret);
        self.config.insert(field.to_owned(), reference);
        self
    }

    /// Stores a secret where the reference points and returns the reference,
    /// for a nested field (`webhook.config`).
    pub fn keep(&mut self, reference: Option<&SecretRef>, default_key: &str, secret: &str) -> Value {
        let name = reference.map_or(self.default_name.as_str(), |it| it.name.as_str()).to_owned();
        let key = reference.and_then(|it| it.key.as_deref()).unwrap_or(default_key).to_owned();
        let resolved = json!({ "name": name, "key": key });
        self.secrets.entry(name).or_default().insert(key, secret.to_owned());
        resolved
    }

    /// The files: `solver.json`, one of an Issuer's `solvers`, and
    /// `secret.json`, ready for `kubectl apply -f` (a `List` if the references
    /// name several Secrets).
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when they are not JSON.
    pub fn artifacts(self, common: &Common) -> Result<Vec<Artifact>, Error> {
        let mut dns01 = Map::new();
        if let Some(strategy) = &common.cname_strategy {
            dns01.insert("cnameStrategy".into(), json!(strategy));
        }
        dns01.insert(self.provider.into(), Value::Object(self.config));
        let mut artifacts = vec![Artifact::json("solver.json", &json!({ "dns01": dns01 }))?.public()];

        let mut secrets: Vec<_> = self.secrets.iter().map(|(name, data)| secret(name, data)).collect();
        match secrets.len() {
            0 => {}
            1 => artifacts.push(Artifact::json("secret.json", &secrets.remove(0))?),
            _ => artifacts
                .push(Artifact::json("secret.json", &json!({ "apiVersion": "v1", "kind": "List", "items": secrets }))?),
        }
        Ok(artifacts)
    }
}

fn secret(name: &str, data: &BTreeMap<String, String>) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": "Opaque", "stringData": data })
}

/// Turns a credential's name into one that Kubernetes accepts (RFC 1123): lower
/// case, with dashes.
fn secret_name(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "dns-credential".into() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(solver: Solver) -> Vec<Value> {
        let artifacts = solver.artifacts(&Common::default()).unwrap();
        artifacts.iter().map(|it| crate::json::from_slice(&it.content).unwrap()).collect()
    }

    #[test]
    fn a_pasted_reference_names_the_secret() {
        let reference = SecretRef { name: "cf".into(), key: Some("token".into()) };
        let solver = Solver::new("cloudflare", "Main_DNS").field("email", Value::Null).secret(
            "apiTokenSecretRef",
            Some(&reference),
            "api-token",
            "s3cret",
        );
        let files = files(solver);
        assert_eq!(
            files[0],
            json!({ "dns01": { "cloudflare": { "apiTokenSecretRef": { "name": "cf", "key": "token" } } } })
        );
        assert_eq!(
            files[1],
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "cf" }, "type": "Opaque",
                "stringData": { "token": "s3cret" },
            })
        );
    }

    #[test]
    fn without_a_reference_the_credential_names_it() {
        let files = files(Solver::new("cloudflare", "Main_DNS").secret("apiTokenSecretRef", None, "api-token", "s"));
        assert_eq!(files[1]["metadata"]["name"], "main-dns");
    }

    #[test]
    fn several_secrets_are_a_list() {
        let reference = SecretRef { name: "other".into(), key: None };
        let solver = Solver::new("route53", "aws").secret("accessKeyIDSecretRef", None, "id", "a").secret(
            "secretAccessKeySecretRef",
            Some(&reference),
            "key",
            "b",
        );
        let files = files(solver);
        assert_eq!(files[1]["kind"], "List");
        assert_eq!(files[1]["items"][1]["stringData"], json!({ "key": "b" }));
    }
}
