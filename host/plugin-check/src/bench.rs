//! One plugin under test: every call of the contract, as a case or a check makes
//! it.

use std::sync::Arc;

use bursar_kernel::plugin::{
    Artifact, Context, CredentialType, Inspection, NetworkCall, PluginError, Plugins, Rewrite, Taints, TxtRecord,
};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_cases::{Call, Case, Script};
use serde_json::{Value, json};

use crate::limits::Recording;
use crate::outcome;
use crate::wire::{Play, Traffic, Wire};

/// The plugin and what it is connected to.
pub(crate) struct Bench {
    pub(crate) plugins: Box<dyn Plugins>,
    pub(crate) kind: Arc<CredentialType>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) recording: Arc<Recording>,
}

/// The result of one call.
pub(crate) struct CallResult {
    pub(crate) outcome: Result<Value, PluginError>,
    pub(crate) traffic: Traffic,
    /// What the plugin logged, and the words that a broker drops.
    pub(crate) said: Vec<String>,
}

impl Bench {
    fn id(&self) -> &str {
        &self.kind.manifest.id
    }

    /// Makes the call of a case, and plays its exchanges.
    pub(crate) async fn replay(&self, case: &Case) -> CallResult {
        self.run(case, &case.data, Play::Script(Script::new(case.exchanges()))).await
    }

    /// Makes the call of a case on other data.
    pub(crate) async fn run(&self, case: &Case, data: &Value, play: Play) -> CallResult {
        self.recording.take_texts();
        self.wire.play(play, case.now());
        let outcome = self.call(case, &SecretJson::new(data.clone())).await;
        CallResult { outcome, traffic: self.wire.traffic(), said: self.recording.take_texts() }
    }

    async fn call(&self, case: &Case, data: &SecretJson) -> Result<Value, PluginError> {
        let context = context(case);
        match case.call {
            Call::Form => match self.plugins.validate_form(self.id(), data)?.violations {
                none if none.is_empty() => Ok(json!({})),
                some => Err(PluginError::Invalid(some)),
            },
            Call::Template => self.plugins.template(self.id(), case.variant.as_deref()).await,
            Call::Inspect => self.inspect(data.expose(), &context).await.map(|it| outcome::inspection(&it)),
            Call::Check => self.check(data, &context).await.map(|it| outcome::rewrites(&it)),
            Call::Materialize => {
                let format = case.format.as_deref().unwrap_or_default();
                self.materialize(data, format, &context).await.map(|it| outcome::artifacts(&it))
            }
            Call::Generate => Err(PluginError::Unsupported("this Bursar does not make credentials".to_owned())),
            Call::Probe | Call::DnsCheck | Call::Present | Call::Poll | Call::Cleanup => {
                self.speak(case, data, &context).await
            }
        }
    }

    async fn speak(&self, case: &Case, data: &SecretJson, context: &Context) -> Result<Value, PluginError> {
        let secret_pointers = self.secret_pointers(data)?;
        let recorder = Arc::clone(&self.wire) as _;
        // Test data counts as given by a person.
        let taints = Taints::default();
        let call = NetworkCall { data, secret_pointers: &secret_pointers, taints: &taints, context, recorder };
        let (plugins, id) = (&self.plugins, self.id());
        let handle = case.handle.as_deref().unwrap_or_default();
        let txt = case.txt.as_ref().map(|txt| TxtRecord {
            fqdn: txt.fqdn.clone(),
            zone_hint: txt.zone_hint.clone(),
            value: txt.value.clone(),
            ttl_seconds: txt.ttl_seconds,
        });
        let txt = || txt.as_ref().ok_or_else(|| PluginError::Failed("the case has no `txt`".to_owned()));
        match case.call {
            Call::Probe => plugins.probe(id, &call).await.map(|it| outcome::report(&it)),
            Call::DnsCheck => plugins.dns_check(id, &call, case.fqdn.as_deref()).await.map(|it| outcome::report(&it)),
            Call::Present => plugins.dns_present(id, &call, txt()?).await.map(|it| json!({ "handle": it })),
            Call::Poll => plugins.dns_poll(id, &call, handle).await.map(outcome::progress),
            _ => plugins.dns_cleanup(id, &call, txt()?, handle).await.map(|()| json!({})),
        }
    }

    pub(crate) fn secret_pointers(&self, data: &SecretJson) -> Result<Vec<String>, PluginError> {
        Ok(self.plugins.validate_form(self.id(), data)?.secret_pointers)
    }

    /// Where the secrets are, if the form accepts the data.
    pub(crate) fn fits(&self, data: &SecretJson) -> Option<Vec<String>> {
        let report = self.plugins.validate_form(self.id(), data).ok()?;
        report.violations.is_empty().then_some(report.secret_pointers)
    }

    pub(crate) async fn inspect(&self, public: &Value, context: &Context) -> Result<Inspection, PluginError> {
        self.plugins.inspect(self.id(), public, context).await
    }

    pub(crate) async fn check(&self, data: &SecretJson, context: &Context) -> Result<Vec<Rewrite>, PluginError> {
        let secret_pointers = self.secret_pointers(data)?;
        self.plugins.check(self.id(), data, &secret_pointers, context).await
    }

    pub(crate) async fn materialize(
        &self,
        data: &SecretJson,
        format: &str,
        context: &Context,
    ) -> Result<Vec<Artifact>, PluginError> {
        self.plugins.materialize(self.id(), data, format, context).await
    }
}

/// The context of a case's call.
pub(crate) fn context(case: &Case) -> Context {
    let told = case.context();
    Context {
        account: None,
        seed: told.seed(),
        name: told.name,
        version: told.version,
        options: Value::Object(told.options),
    }
}
