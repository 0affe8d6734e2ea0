//! The port to plugins: credential types as data, and the calls a type answers.
//!
//! The types here follow no version of the WIT contract; the plugin host maps
//! each version it speaks to these.

mod call;
mod decision;
mod derived;
mod manifest;
mod network;
mod permissions;
mod refusal;
mod taint;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use call::{NetworkOperation, PluginAnswer, PluginCall};
pub use decision::{Decision, Decisions, Grant, Pin, Revocation};
pub use derived::{CopiedField, Derived};
pub use manifest::{
    Ability, Format, HintGroup, Hints, HostWish, Manifest, SecretInjection, SlotDeclaration, TokenEndpoint, Variant,
};
pub use network::{Exchange, ExchangeRecorder, NetworkCall, ProbeReport, Progress, TxtRecord};
pub use permissions::{PermissionDiff, Permissions};
pub use refusal::{Blame, code, refusal};
pub use taint::{NotCopied, Taint, Taints, is_tidied};

use self::call::answer;
use crate::Violation;
use crate::id::AccountId;
use crate::secret::SecretJson;

/// A loaded type: what the core may know of it.
#[derive(Clone, Debug)]
pub struct CredentialType {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its form, JSON Schema 2020-12.
    pub schema: Value,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The contract it was built for: `0.1.0`.
    pub contract_version: String,
}

/// The state of a plugin file.
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
    /// Its state.
    pub state: State,
    /// Why it is in that state; for an active one, what an operator should know.
    pub reason: Option<String>,
    /// `built-in`, or the file.
    pub source: String,
    /// The trusted key that signed it, as in the configuration.
    pub signed_by: Option<String>,
    /// What it asks for.
    pub permissions: Permissions,
    /// Hosts it may reach: those of `permissions` while it is active.
    pub granted_hosts: Vec<String>,
    /// What an operator granted this id.
    pub grant: Option<Grant>,
    /// From what was granted to what it asks for.
    pub permission_diff: Option<PermissionDiff>,
    /// What a rollback would activate.
    pub previous: Option<Previous>,
    /// Whether it is active because of a rollback.
    pub pinned: bool,
}

impl PluginStatus {
    /// Whether it is part of Bursar.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.source == BUILT_IN
    }
}

/// The source of what is part of Bursar.
pub const BUILT_IN: &str = "built-in";

/// The component that was active before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// `sha256:<hex>`.
    pub digest: String,
    /// Its version.
    pub version: String,
    /// What it asks for.
    pub permissions: Permissions,
    /// What a rollback sets aside: the digest of what the file holds now.
    pub sets_aside: String,
}

/// The context of a call.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whose credential it is, which decides the queue of the call. The plugin does
    /// not see it.
    pub account: Option<AccountId>,
    /// The credential's slug.
    pub name: String,
    /// Version of its data; 0 before it is stored.
    pub version: u32,
    /// See the WIT: stable per credential, version and format.
    pub seed: [u8; 32],
    /// An object.
    pub options: Value,
}

/// The result of validating a form.
#[derive(Clone, Debug, Default)]
pub struct FormReport {
    /// Every violation, pointers rooted at the data.
    pub violations: Vec<Violation>,
    /// Where in this document the secrets are, as the schema marks them.
    pub secret_pointers: Vec<String>,
}

/// A key to find a credential by.
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
    /// Selectors to index.
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
    /// The content; always treated as secret.
    pub content: zeroize::Zeroizing<Vec<u8>>,
    /// Whether to mask it on screens.
    pub sensitive: bool,
}

/// Why a plugin call failed, safe to show: nothing in here derives from a secret.
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
    /// Too many calls of the same account are waiting.
    #[error("too many calls of this account are waiting")]
    Busy,
    /// A trap, an exceeded limit or an answer that violates the contract. The text
    /// is ours and says which.
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

    /// Every plugin and its status, by id; within an id the active one first.
    fn status(&self) -> Vec<PluginStatus>;

    /// Reads and applies the operators' decisions; the next [`Plugins::status`]
    /// reflects them.
    async fn decided(&self);

    /// Checks `data` against the type's schema, all violations at once.
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] if the type is gone or validation exceeded its
    /// limits.
    fn validate_form(&self, id: &str, data: &SecretJson) -> Result<FormReport, PluginError>;

    /// Makes a call, and answers with the variant that belongs to it.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn call(&self, id: &str, call: PluginCall<'_>) -> Result<PluginAnswer, PluginError>;

    /// The template of a variant.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn template(&self, id: &str, variant: Option<&str>) -> Result<Value, PluginError> {
        answer!(self.call(id, PluginCall::Template { variant }).await?, Template)
    }

    /// `form.inspect`, on data without secrets.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn inspect(&self, id: &str, public: &Value, context: &Context) -> Result<Inspection, PluginError> {
        answer!(self.call(id, PluginCall::Inspect { public, context }).await?, Inspection)
    }

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
    ) -> Result<Vec<Rewrite>, PluginError> {
        answer!(self.call(id, PluginCall::Check { data, secret_pointers, context }).await?, Rewrites)
    }

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
    ) -> Result<Vec<Artifact>, PluginError> {
        answer!(self.call(id, PluginCall::Materialize { data, format, context }).await?, Artifacts)
    }

    /// `prober.probe`: asks the live service. Network plane, as all that follow.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn probe(&self, id: &str, call: &NetworkCall<'_>) -> Result<ProbeReport, PluginError> {
        let operation = NetworkOperation::Probe;
        answer!(self.call(id, PluginCall::Network { call, operation }).await?, Report)
    }

    /// `dns01.check`: whether a record could be written for `fqdn`, or at all.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn dns_check(
        &self,
        id: &str,
        call: &NetworkCall<'_>,
        fqdn: Option<&str>,
    ) -> Result<ProbeReport, PluginError> {
        let operation = NetworkOperation::DnsCheck { fqdn };
        answer!(self.call(id, PluginCall::Network { call, operation }).await?, Report)
    }

    /// `dns01.present`. Returns the handle for [`Plugins::dns_poll`] and
    /// [`Plugins::dns_cleanup`], at most 4 KiB.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn dns_present(&self, id: &str, call: &NetworkCall<'_>, txt: &TxtRecord) -> Result<String, PluginError> {
        let operation = NetworkOperation::DnsPresent { txt };
        answer!(self.call(id, PluginCall::Network { call, operation }).await?, Handle)
    }

    /// `dns01.poll`.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn dns_poll(&self, id: &str, call: &NetworkCall<'_>, handle: &str) -> Result<Progress, PluginError> {
        let operation = NetworkOperation::DnsPoll { handle };
        answer!(self.call(id, PluginCall::Network { call, operation }).await?, Progress)
    }

    /// `dns01.cleanup`. `handle` is empty if it was lost in a crash.
    ///
    /// # Errors
    ///
    /// See [`PluginError`].
    async fn dns_cleanup(
        &self,
        id: &str,
        call: &NetworkCall<'_>,
        txt: &TxtRecord,
        handle: &str,
    ) -> Result<(), PluginError> {
        let operation = NetworkOperation::DnsCleanup { txt, handle };
        answer!(self.call(id, PluginCall::Network { call, operation }).await?, Done)
    }
}
