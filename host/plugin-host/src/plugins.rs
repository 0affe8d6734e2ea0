//! The domain's port, function by function: encode, run in a fresh sandbox,
//! check what came back.

use std::sync::Arc;

use async_trait::async_trait;
use bursar_domain::Violation;
use bursar_domain::plugin::{
    Artifact, Context, CredentialType, FormReport, Inspection, NetworkCall, PluginError, PluginStatus, Plugins,
    Progress, Report, Rewrite, TxtRecord,
};
use bursar_domain::secret::SecretJson;
use serde_json::Value;
use wasmtime::Store;
use zeroize::Zeroizing;

use crate::PluginHost;
use crate::answer::{self, Refusal, broke};
use crate::imports::SandboxState;
use crate::limits::Call;
use crate::load::Loaded;
use crate::network::answer as network;
use crate::network::call_secrets::too_long;
use crate::network::scrub::Known;
use crate::sandbox::{Behalf, Session, TOO_LONG};
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

    async fn template(&self, id: &str, variant: Option<&str>) -> Result<Value, PluginError> {
        let loaded = self.loaded(id)?;
        if let Some(variant) = variant
            && !loaded.kind.manifest.variants.iter().any(|known| known.id == variant)
        {
            return Err(PluginError::NotFound("this type has no such variant".to_owned()));
        }
        let (session, mut store) = self.sandboxes.open(id, &loaded.turns, Call::Template, Behalf::PUBLIC).await?;
        let said = session.run(loaded.component.template(&mut store, variant)).await?;
        match self.overhear(said) {
            Ok(text) => parse_json(&text, MAX_JSON_BYTES).map_err(broke),
            Err(refusal) => Err(answer::open_refusal(refusal, &Value::Null, &loaded.form)),
        }
        .inspect_err(|error| note(id, Call::Template, error))
    }

    async fn inspect(&self, id: &str, public: &Value, context: &Context) -> Result<Inspection, PluginError> {
        let loaded = self.loaded(id)?;
        let data = public.to_string();
        check_size(&data)?;
        let (session, mut store) = self.sandboxes.open(id, &loaded.turns, Call::Inspect, context.into()).await?;
        let said = session.run(loaded.component.inspect(&mut store, &data, context)).await?;
        match self.overhear(said) {
            Ok(said) => answer::inspection(said, public, &loaded.form),
            Err(refusal) => Err(answer::open_refusal(refusal, public, &loaded.form)),
        }
        .inspect_err(|error| note(id, Call::Inspect, error))
    }

    async fn check(
        &self,
        id: &str,
        data: &SecretJson,
        secret_pointers: &[String],
        context: &Context,
    ) -> Result<Vec<Rewrite>, PluginError> {
        let loaded = self.loaded(id)?;
        let text = Zeroizing::new(data.expose().to_string());
        check_size(&text)?;
        let (session, mut store) = self.sandboxes.open(id, &loaded.turns, Call::Check, context.into()).await?;
        let said = session.run(loaded.component.check(&mut store, &text, context)).await?;
        match self.overhear(said) {
            Ok(said) => {
                let allowed: Vec<&str> = secret_pointers.iter().chain(&loaded.derives).map(String::as_str).collect();
                let copies = &loaded.kind.manifest.derives;
                answer::rewrites(said, &allowed, data.expose(), secret_pointers)
                    .map(|rewrites| answer::with_copies(rewrites, data, copies, &loaded.derives))
            }
            Err(refusal) => {
                let manifest = &loaded.kind.manifest;
                Err(answer::quiet_refusal(refusal, manifest, data.expose(), secret_pointers, &loaded.form))
            }
        }
        .inspect_err(|error| note(id, Call::Check, error))
    }

    async fn materialize(
        &self,
        id: &str,
        data: &SecretJson,
        format: &str,
        context: &Context,
    ) -> Result<Vec<Artifact>, PluginError> {
        let loaded = self.loaded(id)?;
        let manifest = &loaded.kind.manifest;
        if manifest.format(format).is_none() {
            return Err(PluginError::Unsupported("this type has no such format".to_owned()));
        }
        if !loaded.component.materializes() {
            return Err(PluginError::Unsupported("this type is not handed out in any format".to_owned()));
        }
        let text = Zeroizing::new(data.expose().to_string());
        check_size(&text)?;
        let (session, mut store) = self.sandboxes.open(id, &loaded.turns, Call::Materialize, context.into()).await?;
        let said = session.run(loaded.component.materialize(&mut store, &text, format, context)).await?;
        match self.overhear(said) {
            Ok(said) => answer::artifacts(said),
            Err(refusal) => {
                let secret_pointers = loaded.form.secret_pointers(data.expose())?;
                Err(answer::quiet_refusal(refusal, manifest, data.expose(), &secret_pointers, &loaded.form))
            }
        }
        .inspect_err(|error| note(id, Call::Materialize, error))
    }

    async fn probe(&self, id: &str, call: &NetworkCall<'_>) -> Result<Report, PluginError> {
        let loaded = self.loaded(id)?;
        let Conversation { session, mut store, config } = self.speak(&loaded, Call::Probe, call).await?;
        let said = session.run(loaded.component.probe(&mut store, &config, call.context)).await;
        self.heard(&loaded, Call::Probe, store, said, |said, known| network::report(&said, known)).await
    }

    async fn dns_check(&self, id: &str, call: &NetworkCall<'_>, fqdn: Option<&str>) -> Result<Report, PluginError> {
        let loaded = self.loaded(id)?;
        let Conversation { session, mut store, config } = self.speak(&loaded, Call::DnsCheck, call).await?;
        let said = session.run(loaded.component.dns_check(&mut store, &config, fqdn, call.context)).await;
        self.heard(&loaded, Call::DnsCheck, store, said, |said, known| network::report(&said, known)).await
    }

    async fn dns_present(&self, id: &str, call: &NetworkCall<'_>, txt: &TxtRecord) -> Result<String, PluginError> {
        let loaded = self.loaded(id)?;
        let Conversation { session, mut store, config } = self.speak(&loaded, Call::DnsPresent, call).await?;
        let said = session.run(loaded.component.dns_present(&mut store, &config, txt, call.context)).await;
        self.heard(&loaded, Call::DnsPresent, store, said, network::handle).await
    }

    async fn dns_poll(&self, id: &str, call: &NetworkCall<'_>, handle: &str) -> Result<Progress, PluginError> {
        let loaded = self.loaded(id)?;
        let Conversation { session, mut store, config } = self.speak(&loaded, Call::DnsPoll, call).await?;
        let said = session.run(loaded.component.dns_poll(&mut store, &config, handle, call.context)).await;
        self.heard(&loaded, Call::DnsPoll, store, said, |said, _| Ok(network::progress(said))).await
    }

    async fn dns_cleanup(
        &self,
        id: &str,
        call: &NetworkCall<'_>,
        txt: &TxtRecord,
        handle: &str,
    ) -> Result<(), PluginError> {
        let loaded = self.loaded(id)?;
        let Conversation { session, mut store, config } = self.speak(&loaded, Call::DnsCleanup, call).await?;
        let said = session.run(loaded.component.dns_cleanup(&mut store, &config, txt, handle, call.context)).await;
        self.heard(&loaded, Call::DnsCleanup, store, said, |(), _| Ok(())).await
    }
}

/// A call of the network plane: its sandbox, and what the plugin may know.
struct Conversation<'a> {
    session: Session<'a>,
    store: Store<SandboxState>,
    /// The data without its secrets.
    config: String,
}

impl PluginHost {
    /// Lets an observer hear why a plugin refused, before most of that is
    /// dropped.
    fn overhear<T>(&self, said: Result<T, Refusal>) -> Result<T, Refusal> {
        if let (Err(refusal), Some(observer)) = (&said, self.sandboxes.observer()) {
            refusal.words().into_iter().for_each(|words| observer.refused(&words));
        }
        said
    }

    /// Opens a sandbox of the network plane. What the caller calls secret and
    /// what the form does both stay with the host.
    async fn speak<'a>(
        &'a self,
        loaded: &'a Loaded,
        call: Call,
        about: &NetworkCall<'_>,
    ) -> Result<Conversation<'a>, PluginError> {
        let mut secret_pointers = loaded.form.secret_pointers(about.data.expose())?;
        secret_pointers.extend_from_slice(about.secret_pointers);
        secret_pointers.sort_unstable();
        secret_pointers.dedup();
        let (session, mut store) =
            self.sandboxes.open_network(&loaded.kind, &loaded.turns, call, about, secret_pointers).await?;
        let config = store.data_mut().plane().map(|plane| plane.public().to_string()).unwrap_or_default();
        check_size(&config)?;
        Ok(Conversation { session, store, config })
    }

    /// Checks what a call of the network plane answered.
    async fn heard<T, R>(
        &self,
        loaded: &Loaded,
        call: Call,
        mut store: Store<SandboxState>,
        said: Result<Result<T, Refusal>, PluginError>,
        check: impl FnOnce(T, &Known) -> Result<R, PluginError>,
    ) -> Result<R, PluginError> {
        let plane = store.data_mut().plane().ok_or_else(|| broke("it left the network plane"))?;
        plane.close().await.map_err(|error| broke(&error.to_string()))?;
        match self.overhear(said?) {
            Ok(said) => check(said, plane.secrets().known()),
            Err(refusal) => Err(network::refusal(refusal, plane.public(), &loaded.form, plane.secrets().known())),
        }
        .inspect_err(|error| note(&loaded.kind.manifest.id, call, error))
    }
}

/// A document that the contract calls too large is not even shown to a plugin.
fn check_size(text: &str) -> Result<(), PluginError> {
    if text.len() <= MAX_JSON_BYTES {
        return Ok(());
    }
    Err(PluginError::Invalid(vec![Violation::new("", "too-large", "This form is larger than 256 KiB.")]))
}

/// Logs an answer against the contract: the rule, in our words.
fn note(plugin: &str, call: Call, error: &PluginError) {
    if let PluginError::Failed(rule) = error {
        tracing::warn!(plugin, call = call.as_str(), rule, "plugin answer refused");
    }
}
