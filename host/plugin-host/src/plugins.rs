//! The domain's port: encode, run in a fresh sandbox, check what came back.

use std::sync::Arc;

use async_trait::async_trait;
use bursar_kernel::Violation;
use bursar_kernel::plugin::{
    Artifact, Context, CredentialType, FormReport, Inspection, NetworkCall, NetworkOperation, PluginAnswer, PluginCall,
    PluginError, PluginStatus, Plugins, Rewrite,
};
use bursar_kernel::secret::SecretJson;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::PluginHost;
use crate::answer::{self, Refusal, broke};
use crate::limits::Call;
use crate::load::Loaded;
use crate::network::answer as network;
use crate::network::call_secrets::too_long;
use crate::sandbox::{Behalf, TOO_LONG};
use crate::text::{MAX_JSON_BYTES, parse_json};

#[async_trait]
impl Plugins for PluginHost {
    fn types(&self) -> Vec<Arc<CredentialType>> {
        self.active().iter().map(|loaded| Arc::clone(&loaded.kind)).collect()
    }

    fn find(&self, id: &str) -> Option<Arc<CredentialType>> {
        self.loaded(id).ok().map(|loaded| Arc::clone(&loaded.kind))
    }

    fn status(&self) -> Vec<PluginStatus> {
        self.statuses()
    }

    async fn decided(&self) {
        self.refresh().await;
    }

    fn validate_form(&self, id: &str, data: &SecretJson) -> Result<FormReport, PluginError> {
        let loaded = self.loaded(id)?;
        let mut report = loaded.form.check(data.expose())?;
        if report.violations.is_empty()
            && let Some(pointer) = too_long(&loaded.kind.manifest, data.expose())
        {
            report.violations.push(Violation::new(pointer, "too-large", TOO_LONG));
        }
        Ok(report)
    }

    async fn call(&self, id: &str, call: PluginCall<'_>) -> Result<PluginAnswer, PluginError> {
        let loaded = &*self.loaded(id)?;
        match call {
            PluginCall::Template { variant } => self.template_of(loaded, variant).await.map(PluginAnswer::Template),
            PluginCall::Inspect { public, context } => {
                self.inspect_with(loaded, public, context).await.map(PluginAnswer::Inspection)
            }
            PluginCall::Check { data, secret_pointers, context } => {
                self.check_with(loaded, data, secret_pointers, context).await.map(PluginAnswer::Rewrites)
            }
            PluginCall::Materialize { data, format, context } => {
                self.materialize_with(loaded, data, format, context).await.map(PluginAnswer::Artifacts)
            }
            PluginCall::Network { call: about, operation } => self.speak(loaded, call.into(), about, operation).await,
        }
    }
}

impl PluginHost {
    async fn template_of(&self, loaded: &Loaded, variant: Option<&str>) -> Result<Value, PluginError> {
        let manifest = &loaded.kind.manifest;
        if let Some(variant) = variant
            && !manifest.variants.iter().any(|known| known.id == variant)
        {
            return Err(PluginError::NotFound("this type has no such variant".to_owned()));
        }
        let opened = self.sandboxes.open(&manifest.id, &loaded.turns, Call::Template, Behalf::PUBLIC);
        let (session, mut store) = opened.await?;
        let answer = session.run(loaded.component.template(&mut store, variant)).await?;
        match self.overhear(answer) {
            Ok(text) => parse_json(&text, MAX_JSON_BYTES).map_err(broke),
            Err(refusal) => Err(answer::open_refusal(refusal, &Value::Null, &loaded.form)),
        }
        .inspect_err(|error| log_refusal(loaded, Call::Template, error))
    }

    async fn inspect_with(
        &self,
        loaded: &Loaded,
        public: &Value,
        context: &Context,
    ) -> Result<Inspection, PluginError> {
        let data = public.to_string();
        check_size(&data)?;
        let id = &loaded.kind.manifest.id;
        let (session, mut store) = self.sandboxes.open(id, &loaded.turns, Call::Inspect, context.into()).await?;
        let answer = session.run(loaded.component.inspect(&mut store, &data, context)).await?;
        match self.overhear(answer) {
            Ok(inspection) => answer::inspection(inspection, public, &loaded.form),
            Err(refusal) => Err(answer::open_refusal(refusal, public, &loaded.form)),
        }
        .inspect_err(|error| log_refusal(loaded, Call::Inspect, error))
    }

    async fn check_with(
        &self,
        loaded: &Loaded,
        data: &SecretJson,
        secret_pointers: &[String],
        context: &Context,
    ) -> Result<Vec<Rewrite>, PluginError> {
        let manifest = &loaded.kind.manifest;
        let text = Zeroizing::new(data.expose().to_string());
        check_size(&text)?;
        let (session, mut store) =
            self.sandboxes.open(&manifest.id, &loaded.turns, Call::Check, context.into()).await?;
        let answer = session.run(loaded.component.check(&mut store, &text, context)).await?;
        match self.overhear(answer) {
            Ok(rewrites) => {
                let allowed: Vec<&str> = secret_pointers.iter().chain(&loaded.derives).map(String::as_str).collect();
                answer::rewrites(rewrites, &allowed, data.expose(), secret_pointers)
                    .map(|rewrites| answer::with_copies(rewrites, data, &manifest.derives, &loaded.derives))
            }
            Err(refusal) => Err(answer::quiet_refusal(refusal, manifest, data.expose(), secret_pointers, &loaded.form)),
        }
        .inspect_err(|error| log_refusal(loaded, Call::Check, error))
    }

    async fn materialize_with(
        &self,
        loaded: &Loaded,
        data: &SecretJson,
        format: &str,
        context: &Context,
    ) -> Result<Vec<Artifact>, PluginError> {
        let manifest = &loaded.kind.manifest;
        if manifest.format(format).is_none() {
            return Err(PluginError::Unsupported("this type has no such format".to_owned()));
        }
        if !loaded.component.materializes() {
            return Err(PluginError::Unsupported("this type is not handed out in any format".to_owned()));
        }
        let text = Zeroizing::new(data.expose().to_string());
        check_size(&text)?;
        let (session, mut store) =
            self.sandboxes.open(&manifest.id, &loaded.turns, Call::Materialize, context.into()).await?;
        let answer = session.run(loaded.component.materialize(&mut store, &text, format, context)).await?;
        match self.overhear(answer) {
            Ok(artifacts) => answer::artifacts(artifacts),
            Err(refusal) => {
                let secret_pointers = loaded.form.secret_pointers(data.expose())?;
                Err(answer::quiet_refusal(refusal, manifest, data.expose(), &secret_pointers, &loaded.form))
            }
        }
        .inspect_err(|error| log_refusal(loaded, Call::Materialize, error))
    }

    /// A call of the network plane. What the caller calls secret and what the
    /// form does both stay with the host.
    async fn speak(
        &self,
        loaded: &Loaded,
        call: Call,
        about: &NetworkCall<'_>,
        operation: NetworkOperation<'_>,
    ) -> Result<PluginAnswer, PluginError> {
        let mut secret_pointers = loaded.form.secret_pointers(about.data.expose())?;
        secret_pointers.extend_from_slice(about.secret_pointers);
        secret_pointers.sort_unstable();
        secret_pointers.dedup();
        let (session, mut store) =
            self.sandboxes.open_network(&loaded.kind, &loaded.turns, call, about, secret_pointers).await?;
        let config = store.data_mut().plane().map(|plane| plane.public().to_string()).unwrap_or_default();
        check_size(&config)?;
        let answer = session.run(loaded.component.speak(&mut store, &config, operation, about.context)).await;
        let plane = store.data_mut().plane().ok_or_else(|| broke("it left the network plane"))?;
        plane.close().await.map_err(|error| broke(&error.to_string()))?;
        let known = plane.secrets().known();
        match self.overhear(answer?) {
            Ok(answer) => network::check(answer, known),
            Err(refusal) => Err(network::refusal(refusal, plane.public(), &loaded.form, known)),
        }
        .inspect_err(|error| log_refusal(loaded, call, error))
    }

    /// Tells an observer why a plugin refused, before most of that is dropped.
    fn overhear<T>(&self, answer: Result<T, Refusal>) -> Result<T, Refusal> {
        if let (Err(refusal), Some(observer)) = (&answer, self.sandboxes.observer()) {
            refusal.words().into_iter().for_each(|words| observer.refused(&words));
        }
        answer
    }
}

/// A plugin is not even shown a document that the contract calls too large.
fn check_size(text: &str) -> Result<(), PluginError> {
    if text.len() <= MAX_JSON_BYTES {
        return Ok(());
    }
    Err(PluginError::Invalid(vec![Violation::new("", "too-large", "The form is larger than 256 KiB.")]))
}

/// Logs an answer against the contract: the rule, in our words.
fn log_refusal(loaded: &Loaded, call: Call, error: &PluginError) {
    if let PluginError::Failed(rule) = error {
        let plugin = &loaded.kind.manifest.id;
        tracing::warn!(plugin, call = call.as_str(), rule, "plugin answer refused");
    }
}
