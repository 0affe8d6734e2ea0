//! The manifest: a type as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Derived;

/// A plugin's description of itself (`form.describe`), read once at load. The
/// shape is published as `schemas/plugin-manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The type's id: `^[a-z][a-z0-9-]{0,63}$`.
    pub id: String,
    /// Shown in lists: `Container registry`.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// What it groups under: `registry`, `certificate`, ...
    pub category: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// Who made it.
    #[serde(default)]
    pub publisher: String,
    /// The name of one of the UI's icons, or nothing.
    #[serde(default)]
    pub icon: String,
    /// Where to read more.
    #[serde(default)]
    pub documentation: String,
    /// What it can do beyond form and materialize.
    #[serde(default)]
    pub abilities: Vec<Ability>,
    /// Where its credentials are used.
    #[serde(default)]
    pub slots: Vec<SlotDeclaration>,
    /// Presets of the form, such as registry providers; the first is the default.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// What it materializes to; the first is the default.
    pub formats: Vec<Format>,
    /// Whether its credentials are pushed to a region whose attachment lists no
    /// types. False for what is of no use there, such as a DNS provider's key.
    #[serde(default = "pushed")]
    pub pushed_by_default: bool,
    /// Field order and grouping, for forms.
    #[serde(default)]
    pub hints: Hints,
    /// Messages of the violation codes that calls with secrets may answer.
    #[serde(default)]
    pub messages: BTreeMap<String, String>,
    /// Public fields that `check` may fill from a secret, when granted.
    #[serde(default)]
    pub derives: Vec<Derived>,
    /// Public pointers that decide where secrets go.
    #[serde(default)]
    pub hosts_from: Vec<String>,
    /// Hosts of the network plane, with the reason for each.
    #[serde(default)]
    pub hosts: Vec<HostWish>,
    /// Where each secret may be placed in requests.
    #[serde(default)]
    pub placements: Vec<SecretInjection>,
    /// Endpoints whose answers are captured, not returned.
    #[serde(default)]
    pub token_endpoints: Vec<TokenEndpoint>,
}

/// An ability the core acts on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the design's words")]
pub enum Ability {
    Defaultable,
    Probe,
    Mint,
    Generate,
    AcmeOrder,
    Dns01,
}

/// A place where credentials are picked: `image-pull`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlotDeclaration {
    /// `^[a-z][a-z0-9-]{0,63}$`.
    pub id: String,
    /// Whether the account default serves when nothing is bound.
    #[serde(default)]
    pub default_fallback: bool,
    /// The selector kind by which it is looked up.
    #[serde(default)]
    pub selector: Option<String>,
}

/// A preset of the form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variant {
    /// Such as `github`.
    pub id: String,
    /// Such as `GitHub Container Registry`.
    pub title: String,
    /// What the person must create over there, plain text.
    #[serde(default)]
    pub how_to: String,
}

/// A form in which the credential is handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Format {
    /// Such as `kubernetes.io/tls`.
    pub id: String,
    /// Shown in lists.
    #[serde(default)]
    pub title: String,
}

/// How a form shows its fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hints {
    /// Property names in order.
    #[serde(default)]
    pub order: Vec<String>,
    /// Named groups of property names.
    #[serde(default)]
    pub groups: Vec<HintGroup>,
}

/// A named group of fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HintGroup {
    /// Heading.
    pub title: String,
    /// Property names.
    pub fields: Vec<String>,
}

/// A host the plugin wants to reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostWish {
    /// `api.example.com`, `*.example.com`, `host:port`, or `{/url}` for the host
    /// in that field of the configuration.
    pub host: String,
    /// Why, for the operator who is asked.
    pub reason: String,
}

/// Where one secret may be injected into requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretInjection {
    /// The secret.
    pub secret: String,
    /// Host, in the same forms as [`HostWish::host`].
    pub host: String,
    /// Methods; empty for any.
    #[serde(default)]
    pub methods: Vec<String>,
    /// What the path must start with.
    #[serde(default)]
    pub path_prefix: String,
    /// `header:authorization`, `query:key`, `body`, `body:/client_secret`, `key`.
    pub place: String,
}

/// An endpoint that answers with a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenEndpoint {
    /// The name requests use.
    pub name: String,
    /// `https://host/path`; a segment of the path may be `{/pointer}`, which is
    /// that public field of the configuration, percent-encoded.
    pub url: String,
    /// Name → JSON pointer or XML path of what is captured.
    pub capture: BTreeMap<String, String>,
    /// Non-secret fields that reach the guest, same form.
    #[serde(default)]
    pub expose: BTreeMap<String, String>,
    /// Hosts the captured token may be sent to; same forms as placements.
    #[serde(default)]
    pub placements: Vec<SecretInjection>,
}

impl Manifest {
    /// Whether it declares `ability`.
    #[must_use]
    pub fn has(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// Public fields that decide where secrets go: those it declares, and those
    /// used in a host or an address.
    #[must_use]
    pub fn steering_fields(&self) -> BTreeSet<&str> {
        let placements = self.placements.iter().chain(self.token_endpoints.iter().flat_map(|of| &of.placements));
        let addresses = self.hosts.iter().map(|wish| wish.host.as_str());
        let addresses = addresses.chain(placements.map(|placement| placement.host.as_str()));
        let addresses = addresses.chain(self.token_endpoints.iter().map(|of| of.url.as_str()));
        let in_addresses = addresses.flat_map(|address| {
            address.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(pointer, _)| pointer))
        });
        self.hosts_from.iter().map(String::as_str).chain(in_addresses).collect()
    }

    /// Whether it materializes to `format`.
    #[must_use]
    pub fn format(&self, format: &str) -> Option<&Format> {
        self.formats.iter().find(|known| known.id == format)
    }
}

fn pushed() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_stands_in_an_address_steers() {
        let manifest: Manifest = serde_json::from_value(serde_json::json!({
            "id": "t", "title": "T", "summary": "T.", "category": "t", "version": "1.0.0", "formats": [],
            "hostsFrom": ["/region"],
            "hosts": [{ "host": "{/url}", "reason": "r" }, { "host": "api.example.com", "reason": "r" }],
            "placements": [{ "secret": "/key", "host": "{/mirror/url}", "place": "header:x-key" }],
            "tokenEndpoints": [{
                "name": "login", "url": "https://login.example.com/{/tenant}/token", "capture": { "token": "/t" },
                "placements": [{ "secret": "token", "host": "{/api}", "place": "header:authorization" }],
            }],
        }))
        .unwrap();
        let steering: Vec<&str> = manifest.steering_fields().into_iter().collect();
        assert_eq!(steering, ["/api", "/mirror/url", "/region", "/tenant", "/url"]);
    }
}
