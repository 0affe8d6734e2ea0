//! The port to plugins: credential types as data, and the calls a type answers.
//!
//! The types here follow no version of the WIT contract; the plugin host maps
//! each version it speaks to these.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Violation;
use crate::secret::SecretJson;

/// What a plugin says of itself (`form.describe`): data, read once at load. The
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
    /// What it can beyond form and materialize.
    #[serde(default)]
    pub abilities: Vec<Ability>,
    /// Where its credentials are used.
    #[serde(default)]
    pub slots: Vec<Slot>,
    /// Presets of the form, such as registry providers; the first is the default.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// What it materializes to; the first is the default.
    pub formats: Vec<Format>,
    /// Field order and grouping, for forms.
    #[serde(default)]
    pub hints: Hints,
    /// Texts of the violation codes that calls on secrets may answer with.
    #[serde(default)]
    pub messages: BTreeMap<String, String>,
    /// Public pointers that `check` may fill from a secret, when granted.
    #[serde(default)]
    pub derives: Vec<String>,
    /// Public pointers that decide where secrets go.
    #[serde(default)]
    pub hosts_from: Vec<String>,
    /// Hosts of the network plane, with the reason for each.
    #[serde(default)]
    pub hosts: Vec<HostWish>,
    /// Where each secret may be placed in requests.
    #[serde(default)]
    pub placements: Vec<Placement>,
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
pub struct Slot {
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

/// Where one secret may go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
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
    /// `https://host/path`.
    pub url: String,
    /// Name → JSON pointer or XML path of what is captured.
    pub capture: BTreeMap<String, String>,
    /// Non-secret fields that reach the guest, same form.
    #[serde(default)]
    pub expose: BTreeMap<String, String>,
    /// Hosts the captured token may be sent to; same forms as placements.
    #[serde(default)]
    pub placements: Vec<Placement>,
}

impl Manifest {
    /// Whether it declares `ability`.
    #[must_use]
    pub fn has(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// Whether it materializes to `format`.
    #[must_use]
    pub fn format(&self, format: &str) -> Option<&Format> {
        self.formats.iter().find(|known| known.id == format)
    }
}

/// A loaded type: what the core may know of it.
#[derive(Clone, Debug)]
pub struct CredentialType {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its form, JSON Schema 2020-12.
    pub schema: Value,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The contract it was built for: `0.1.0`.
    pub contract_version: String,
}

/// How a plugin file fares.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the contract's words")]
pub enum State {
    Compiling,
    Pending,
    Active,
    NeedsReview,
    Rejected,
    Removed,
}

/// A plugin as the operator sees it (`GET /v1/plugins`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginStatus {
    /// The described id, or the file stem when it could not be described.
    pub id: String,
    /// `credential-type` or `dns-provider`.
    pub kind: String,
    /// Of the manifest; empty when it could not be described.
    pub version: String,
    /// `sha256:<hex>`.
    pub digest: String,
    /// Of the exported interfaces; empty when unknown.
    pub contract_version: String,
    /// How it fares.
    pub state: State,
    /// Why it is in that state, when not active.
    pub reason: Option<String>,
    /// `built-in`, or the file.
    pub source: String,
    /// Hosts it asks for.
    pub wanted_hosts: Vec<HostWish>,
    /// Hosts it was granted.
    pub granted_hosts: Vec<String>,
}

/// What is told with each call.
#[derive(Clone, Debug)]
pub struct Context {
    /// The credential's slug.
    pub name: String,
    /// Version of its data; 0 while it is not stored.
    pub version: u32,
    /// See the WIT: stable per credential, version and format.
    pub seed: [u8; 32],
    /// An object.
    pub options: Value,
}

/// How the form fared against the schema.
#[derive(Clone, Debug, Default)]
pub struct FormReport {
    /// Every violation, pointers rooted at the data.
    pub violations: Vec<Violation>,
    /// Where in this document the secrets are, as the schema marks them.
    pub secret_pointers: Vec<String>,
}

/// Something to find a credential by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Selector {
    /// `image-prefix`, `host`, `url-prefix`, ...
    pub kind: String,
    /// Such as `ghcr.io/team-a`.
    pub value: String,
}

/// What `inspect` found in the public half.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The public data, normalised.
    pub data: Value,
    /// Facts, an object.
    pub attributes: Value,
    /// To be indexed.
    pub selectors: Vec<Selector>,
    /// An ACME order, for types that place one.
    pub order: Option<Value>,
    /// Unix seconds.
    pub not_before: Option<i64>,
    /// Unix seconds.
    pub not_after: Option<i64>,
}

/// A new value for a field, from `check`.
#[derive(Clone)]
pub struct Rewrite {
    /// Checked by the host: a secret, or granted under `derives`.
    pub pointer: String,
    /// The value.
    pub value: SecretJson,
}

/// One materialized file.
#[derive(Clone, Eq, PartialEq)]
pub struct Artifact {
    /// Checked by the host.
    pub name: String,
    /// Checked by the host.
    pub media_type: String,
    /// The content; secret whatever the plugin says.
    pub content: zeroize::Zeroizing<Vec<u8>>,
    /// Whether to mask it on screens.
    pub sensitive: bool,
}

/// Why a plugin call failed, after the host has made it safe to show: nothing
/// in here derives from a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the contract's cases; see the WIT")]
pub enum PluginError {
    #[error("the input is not valid")]
    Invalid(Vec<Violation>),
    #[error("the stored credential was refused: {0}")]
    Denied(String),
    #[error("not found: {0}")]
    NotFound(String),
    #[error("asked to wait")]
    Throttled(Option<u32>),
    #[error("not reachable: {0}")]
    Unavailable(String),
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A trap, a broken limit or an answer against the contract. The text is
    /// ours and says which.
    #[error("the plugin failed: {0}")]
    Failed(String),
}

/// The loaded plugins. Each call runs in a fresh sandbox.
#[async_trait]
pub trait Plugins: Send + Sync {
    /// Every active type, by id.
    fn types(&self) -> Vec<Arc<CredentialType>>;

    /// The active type with this id.
    fn find(&self, id: &str) -> Option<Arc<CredentialType>>;

    /// Every plugin and how it fares, by id.
    fn status(&self) -> Vec<PluginStatus>;

    /// Checks `data` against the type's schema, all violations at once.
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] where the type is gone or validation ran out of
    /// its bounds.
    fn validate_form(&self, id: &str, data: &SecretJson) -> Result<FormReport, PluginError>;

    /// The template of a variant.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn template(&self, id: &str, variant: Option<&str>) -> Result<Value, PluginError>;

    /// `form.inspect`, on data without secrets.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn inspect(&self, id: &str, public: &Value, context: &Context) -> Result<Inspection, PluginError>;

    /// `form.check`, on the whole data. Rewrites come back only for pointers
    /// in `secret_pointers` or granted ones; anything else is
    /// [`PluginError::Failed`].
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn check(
        &self,
        id: &str,
        data: &SecretJson,
        secret_pointers: &[String],
        context: &Context,
    ) -> Result<Vec<Rewrite>, PluginError>;

    /// `materializer.materialize`.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn materialize(
        &self,
        id: &str,
        data: &SecretJson,
        format: &str,
        context: &Context,
    ) -> Result<Vec<Artifact>, PluginError>;
}
