//! A DNS provider behind a plugin: it keeps a name's values as one whole, as
//! most do, and takes its time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::audit::{Event, Outcome};
use bursar_kernel::plugin::{
    Artifact, CredentialType, Exchange, FormReport, Inspection, NetworkCall, NetworkOperation, PluginAnswer,
    PluginCall, PluginError, PluginStatus, Plugins, ProbeReport, Progress, Rewrite, Taints,
};
use bursar_kernel::secret::SecretJson;
use serde_json::{Value, json};

use super::MapStore;

/// The provider's type.
pub(crate) const PROVIDER: &str = "dns-test";
/// A type that no live service stands behind.
pub(crate) const PLAIN: &str = "plain";
/// One that regions get only when it is chosen.
pub(crate) const HELD_BACK: &str = "held-back";
/// A type with defaults that serve `image-pull` and `build-pull`.
pub(crate) const REGISTRY: &str = "registry";
/// Another one whose defaults serve `image-pull`.
pub(crate) const MIRROR: &str = "mirror";
/// A type whose credentials are certificates.
pub(crate) const CERTIFICATE: &str = "cert";

pub(crate) struct Provider {
    store: Arc<MapStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Values by name.
    zone: BTreeMap<String, Vec<String>>,
    /// What the next calls answer instead of doing anything.
    errors: VecDeque<PluginError>,
    /// What the next looks answer; done when there are no more.
    progress: VecDeque<Result<Progress, PluginError>>,
    /// The last event when each call came.
    seen: Vec<(&'static str, Event)>,
    /// How long a call takes.
    takes: Duration,
    /// Handles that came with cleanups.
    handles: Vec<String>,
    /// How often something was materialized.
    materialized: usize,
    /// What the last call was told that a plugin wrote.
    taints: Taints,
    /// What the next checks rewrite.
    rewrites: VecDeque<Vec<Rewrite>>,
}

impl Provider {
    pub(crate) fn new(store: Arc<MapStore>) -> Self {
        Self { store, state: Mutex::default() }
    }

    /// The values at a name.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.state().zone.get(name).cloned().unwrap_or_default()
    }

    /// The next call answers this.
    pub(crate) fn answer(&self, error: PluginError) {
        self.state().errors.push_back(error);
    }

    /// The next looks answer these.
    pub(crate) fn progress(&self, answers: impl IntoIterator<Item = Result<Progress, PluginError>>) {
        self.state().progress.extend(answers);
    }

    /// Calls take so long from now on.
    pub(crate) fn takes(&self, duration: Duration) {
        self.state().takes = duration;
    }

    /// Every call so far, with the last event there was when it came.
    pub(crate) fn seen(&self) -> Vec<(&'static str, Event)> {
        self.state().seen.clone()
    }

    /// The calls' names.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.seen().into_iter().map(|(call, _)| call).collect()
    }

    /// The handles that came with cleanups.
    pub(crate) fn handles(&self) -> Vec<String> {
        self.state().handles.clone()
    }

    /// How often something was materialized.
    pub(crate) fn materialized(&self) -> usize {
        self.state().materialized
    }

    /// What the last call was told that a plugin wrote.
    pub(crate) fn taints(&self) -> Taints {
        self.state().taints.clone()
    }

    /// The next check writes this into the second secret.
    pub(crate) fn writes(&self, second: &str) {
        let value = SecretJson::new(json!(second));
        self.state().rewrites.push_back(vec![Rewrite { pointer: "/second".to_owned(), value }]);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn enter(&self, name: &'static str, call: &NetworkCall<'_>) -> Result<(), PluginError> {
        assert!(call.secret_pointers.contains(&"/token".to_owned()));
        assert_eq!(call.data.expose()["token"], "s3cret");
        self.state().taints = call.taints.clone();
        let last = self.store.events().pop().unwrap();
        self.state().seen.push((name, last));
        let exchange = Exchange {
            method: "POST".to_owned(),
            host: "api.example.com:443".to_owned(),
            path: format!("/{name}"),
            status: Some(200),
            sent_bytes: 12,
            received_bytes: 34,
            endpoint: None,
            reason: None,
            outcome: Outcome::Ok,
        };
        call.recorder.record(exchange).await.map_err(|_| PluginError::Failed("not recorded".to_owned()))?;
        let error = self.state().errors.pop_front();
        error.map_or(Ok(()), Err)
    }

    /// Reads, thinks, and writes the whole back.
    async fn rewrite(&self, name: &str, change: impl FnOnce(&mut Vec<String>)) {
        let mut values = self.values(name);
        let takes = self.state().takes;
        tokio::time::sleep(takes).await;
        change(&mut values);
        self.state().zone.insert(name.to_owned(), values);
    }
}

#[async_trait]
impl Plugins for Provider {
    async fn decided(&self) {}

    fn types(&self) -> Vec<Arc<CredentialType>> {
        let pull = |slots: &[&str]| {
            let slot = |slot: &&str| json!({"id": slot, "defaultFallback": true, "selector": "image-prefix"});
            slots.iter().map(slot).collect::<Vec<_>>()
        };
        vec![
            of(CERTIFICATE, &[], &[json!({"id": "certificate", "selector": "host"})]),
            of(PROVIDER, &["dns01"], &[]),
            of(MIRROR, &["defaultable"], &pull(&["image-pull"])),
            of(PLAIN, &[], &[json!({"id": "basic-auth"})]),
            held_back(of(HELD_BACK, &[], &[json!({"id": "basic-auth"})])),
            of(REGISTRY, &["defaultable"], &pull(&["image-pull", "build-pull"])),
        ]
    }

    fn find(&self, id: &str) -> Option<Arc<CredentialType>> {
        self.types().into_iter().find(|of| of.manifest.id == id)
    }

    fn status(&self) -> Vec<PluginStatus> {
        Vec::new()
    }

    fn validate_form(&self, _: &str, data: &SecretJson) -> Result<FormReport, PluginError> {
        let secrets = ["/second", "/token"].into_iter().filter(|secret| data.expose().pointer(secret).is_some());
        Ok(FormReport { violations: Vec::new(), secret_pointers: secrets.map(str::to_owned).collect() })
    }

    async fn call(&self, _: &str, call: PluginCall<'_>) -> Result<PluginAnswer, PluginError> {
        Ok(match call {
            PluginCall::Template { .. } => PluginAnswer::Template(json!({})),
            PluginCall::Inspect { public, .. } => {
                let selectors = public.get("selectors").cloned().unwrap_or(json!([]));
                PluginAnswer::Inspection(Inspection {
                    data: public.clone(),
                    attributes: json!({}),
                    selectors: serde_json::from_value(selectors).unwrap(),
                    not_before: public["notBefore"].as_i64(),
                    not_after: public["notAfter"].as_i64(),
                    ..Inspection::default()
                })
            }
            PluginCall::Check { .. } => PluginAnswer::Rewrites(self.state().rewrites.pop_front().unwrap_or_default()),
            PluginCall::Materialize { data, .. } => {
                if let Some(error) = self.state().errors.pop_front() {
                    return Err(error);
                }
                self.state().materialized += 1;
                let content = data.expose()["token"].as_str().unwrap().as_bytes().to_vec().into();
                let (name, media_type) = ("token".to_owned(), "text/plain".to_owned());
                PluginAnswer::Artifacts(vec![Artifact { name, media_type, content, sensitive: true }])
            }
            PluginCall::Network { call, operation } => self.provide(call, operation).await?,
        })
    }
}

impl Provider {
    async fn provide(
        &self,
        call: &NetworkCall<'_>,
        operation: NetworkOperation<'_>,
    ) -> Result<PluginAnswer, PluginError> {
        Ok(match operation {
            NetworkOperation::Probe => {
                return Err(PluginError::Failed("a DNS provider is checked, not probed".to_owned()));
            }
            NetworkOperation::DnsCheck { fqdn } => {
                self.enter("check", call).await?;
                if let Some(fqdn) = fqdn {
                    self.rewrite(fqdn, |_| {}).await;
                }
                PluginAnswer::Report(ProbeReport { summary: "May write.".to_owned(), details: json!({"fqdn": fqdn}) })
            }
            NetworkOperation::DnsPresent { txt } => {
                self.enter("present", call).await?;
                let add = |values: &mut Vec<String>| {
                    if !values.contains(&txt.value) {
                        values.push(txt.value.clone());
                    }
                };
                self.rewrite(&txt.fqdn, add).await;
                PluginAnswer::Handle(format!("handle of {}", txt.value))
            }
            NetworkOperation::DnsPoll { handle } => {
                assert!(handle.starts_with("handle of "), "{handle:?}");
                self.enter("poll", call).await?;
                let next = self.state().progress.pop_front();
                PluginAnswer::Progress(next.unwrap_or(Ok(Progress::Done))?)
            }
            NetworkOperation::DnsCleanup { txt, handle } => {
                self.state().handles.push(handle.to_owned());
                self.enter("cleanup", call).await?;
                self.rewrite(&txt.fqdn, |values| values.retain(|value| *value != txt.value)).await;
                PluginAnswer::Done(())
            }
        })
    }
}

/// A type that is not pushed by default.
fn held_back(mut of: Arc<CredentialType>) -> Arc<CredentialType> {
    Arc::make_mut(&mut of).manifest.pushed_by_default = false;
    of
}

fn of(id: &str, abilities: &[&str], slots: &[Value]) -> Arc<CredentialType> {
    let formats: &[Value] = if slots.is_empty() { &[] } else { &[json!({"id": "text"})] };
    let manifest = json!({
        "id": id, "title": "T", "summary": "S.", "category": "test", "version": "1.0.0", "formats": formats,
        "abilities": abilities, "slots": slots
    });
    Arc::new(CredentialType {
        manifest: serde_json::from_value(manifest).unwrap(),
        schema: json!({"type": "object"}),
        digest: format!("sha256:{}", "1".repeat(64)),
        contract_version: "0.1.0".to_owned(),
    })
}
