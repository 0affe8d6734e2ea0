//! Plugin calls, counted for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bursar_domain::plugin::{
    Artifact, Context, CredentialType, FormReport, Inspection, NetworkCall, PluginError, PluginStatus, Plugins,
    Progress, Report, Rewrite, State, TxtRecord,
};
use bursar_domain::secret::SecretJson;
use bursar_plugin_host::{EngineMode, PluginHost};
use bursar_server::PluginCalls;
use serde_json::Value;

/// The plugin host, with a count of its calls.
pub(crate) struct CountedPlugins {
    host: PluginHost,
    /// By plugin, call and outcome. Plugins are those that are loaded, so that
    /// no caller can make this grow.
    counts: Mutex<BTreeMap<(String, &'static str, &'static str), u64>>,
}

impl CountedPlugins {
    /// Counts from zero.
    pub(super) fn new(host: PluginHost) -> Self {
        Self { host, counts: Mutex::default() }
    }

    /// What is counted.
    pub(super) fn host(&self) -> &PluginHost {
        &self.host
    }

    /// Where the sandboxes' memory comes from.
    pub(super) fn engine_mode(&self) -> EngineMode {
        self.host.engine_mode()
    }

    /// The counts so far.
    pub(super) fn calls(&self) -> Vec<PluginCalls> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|((plugin, call, outcome), count)| PluginCalls {
                plugin: plugin.clone(),
                call: (*call).to_owned(),
                outcome: (*outcome).to_owned(),
                count: *count,
            })
            .collect()
    }

    /// How many plugins are in each state.
    pub(super) fn states(&self) -> Vec<(State, u64)> {
        let mut states: Vec<(State, u64)> = Vec::new();
        for status in self.host.status() {
            match states.iter_mut().find(|(state, _)| *state == status.state) {
                Some((_, count)) => *count += 1,
                None => states.push((status.state, 1)),
            }
        }
        states
    }

    fn count<T>(&self, id: &str, call: &'static str, outcome: Result<T, PluginError>) -> Result<T, PluginError> {
        if self.host.find(id).is_some() {
            let key = (id.to_owned(), call, word(&outcome));
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        }
        outcome
    }
}

#[async_trait]
impl Plugins for CountedPlugins {
    fn types(&self) -> Vec<Arc<CredentialType>> {
        self.host.types()
    }

    fn find(&self, id: &str) -> Option<Arc<CredentialType>> {
        self.host.find(id)
    }

    fn status(&self) -> Vec<PluginStatus> {
        self.host.status()
    }

    async fn decided(&self) {
        self.host.decided().await;
    }

    fn validate_form(&self, id: &str, data: &SecretJson) -> Result<FormReport, PluginError> {
        self.host.validate_form(id, data)
    }

    async fn template(&self, id: &str, variant: Option<&str>) -> Result<Value, PluginError> {
        self.count(id, "template", self.host.template(id, variant).await)
    }

    async fn inspect(&self, id: &str, public: &Value, context: &Context) -> Result<Inspection, PluginError> {
        self.count(id, "inspect", self.host.inspect(id, public, context).await)
    }

    async fn check(
        &self,
        id: &str,
        data: &SecretJson,
        secret_pointers: &[String],
        context: &Context,
    ) -> Result<Vec<Rewrite>, PluginError> {
        self.count(id, "check", self.host.check(id, data, secret_pointers, context).await)
    }

    async fn materialize(
        &self,
        id: &str,
        data: &SecretJson,
        format: &str,
        context: &Context,
    ) -> Result<Vec<Artifact>, PluginError> {
        self.count(id, "materialize", self.host.materialize(id, data, format, context).await)
    }

    async fn probe(&self, id: &str, call: &NetworkCall<'_>) -> Result<Report, PluginError> {
        self.count(id, "probe", self.host.probe(id, call).await)
    }

    async fn dns_check(&self, id: &str, call: &NetworkCall<'_>, fqdn: Option<&str>) -> Result<Report, PluginError> {
        self.count(id, "dns-check", self.host.dns_check(id, call, fqdn).await)
    }

    async fn dns_present(&self, id: &str, call: &NetworkCall<'_>, txt: &TxtRecord) -> Result<String, PluginError> {
        self.count(id, "present", self.host.dns_present(id, call, txt).await)
    }

    async fn dns_poll(&self, id: &str, call: &NetworkCall<'_>, handle: &str) -> Result<Progress, PluginError> {
        self.count(id, "poll", self.host.dns_poll(id, call, handle).await)
    }

    async fn dns_cleanup(
        &self,
        id: &str,
        call: &NetworkCall<'_>,
        txt: &TxtRecord,
        handle: &str,
    ) -> Result<(), PluginError> {
        self.count(id, "cleanup", self.host.dns_cleanup(id, call, txt, handle).await)
    }
}

fn word<T>(outcome: &Result<T, PluginError>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(PluginError::Invalid(_)) => "invalid",
        Err(PluginError::Denied(_)) => "denied",
        Err(PluginError::NotFound(_)) => "not-found",
        Err(PluginError::Throttled(_)) => "throttled",
        Err(PluginError::Unavailable(_)) => "unavailable",
        Err(PluginError::Unsupported(_)) => "unsupported",
        Err(PluginError::Busy) => "busy",
        Err(PluginError::Failed(_)) => "failed",
    }
}
