//! Plugin calls, counted for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bursar_kernel::plugin::{
    CredentialType, FormReport, PluginAnswer, PluginCall, PluginError, PluginStatus, Plugins, State,
};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_host::{EngineMode, PluginHost};
use bursar_server::PluginCalls;

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

    fn count(&self, id: &str, call: &'static str, outcome: &Result<PluginAnswer, PluginError>) {
        if self.host.find(id).is_some() {
            let key = (id.to_owned(), call, code(outcome));
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        }
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

    async fn call(&self, id: &str, call: PluginCall<'_>) -> Result<PluginAnswer, PluginError> {
        let outcome = self.host.call(id, call).await;
        self.count(id, call.name(), &outcome);
        outcome
    }
}

fn code(outcome: &Result<PluginAnswer, PluginError>) -> &'static str {
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
