//! One credential type, with formats that behave well and badly, and a DNS
//! provider that does as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bursar_kernel::Violation;
use bursar_kernel::plugin::{
    Ability, Artifact, CredentialType, FormReport, Format, Inspection, Manifest, NetworkOperation, Permissions,
    PluginAnswer, PluginCall, PluginError, PluginStatus, Plugins, ProbeReport, Progress, Selector, State, Variant,
};
use bursar_kernel::secret::SecretJson;
use serde_json::json;
use tokio::sync::Notify;

/// The type's id.
pub(crate) const LOGIN: &str = "test-login";

/// The DNS provider's.
pub(crate) const PROVIDER: &str = "dns-test";

/// The doubles; `entered` and `release` hold a materialization in format `slow`
/// and the presentation of the value `slow`.
#[derive(Default)]
pub(crate) struct TestPlugins {
    pub(crate) entered: Notify,
    pub(crate) release: Notify,
    /// What the provider answers next, instead of doing anything.
    pub(crate) refusals: Mutex<VecDeque<PluginError>>,
    /// What the provider did.
    pub(crate) done: Mutex<Vec<String>>,
}

impl TestPlugins {
    fn provide(&self, what: &str) -> Result<(), PluginError> {
        if let Some(error) = self.refusals.lock().unwrap().pop_front() {
            return Err(error);
        }
        self.done.lock().unwrap().push(what.to_owned());
        Ok(())
    }

    async fn content(&self, data: &SecretJson, format: &str) -> Result<Vec<u8>, PluginError> {
        match format {
            "text" => Ok(data.expose()["password"].as_str().unwrap().as_bytes().to_vec()),
            "binary" => Ok(vec![0xFF, 0x00]),
            "failing" => Err(PluginError::Failed("ran out of its time budget".to_owned())),
            "panicking" => panic!("s3cret-value in a panic"),
            _ => {
                self.entered.notify_one();
                self.release.notified().await;
                Ok(b"late".to_vec())
            }
        }
    }
}

#[async_trait]
impl Plugins for TestPlugins {
    fn types(&self) -> Vec<Arc<CredentialType>> {
        vec![Arc::new(login()), Arc::new(provider())]
    }

    fn find(&self, id: &str) -> Option<Arc<CredentialType>> {
        self.types().into_iter().find(|of| of.manifest.id == id)
    }

    fn status(&self) -> Vec<PluginStatus> {
        vec![PluginStatus {
            id: LOGIN.to_owned(),
            kind: "credential-type".to_owned(),
            version: "1.0.0".to_owned(),
            digest: digest(),
            contract_version: "0.1.0".to_owned(),
            state: State::Active,
            reason: None,
            source: "built-in".to_owned(),
            signed_by: None,
            permissions: Permissions::default(),
            granted_hosts: Vec::new(),
            grant: None,
            permission_diff: None,
            previous: None,
            pinned: false,
        }]
    }

    async fn decided(&self) {}

    fn validate_form(&self, _: &str, data: &SecretJson) -> Result<FormReport, PluginError> {
        let required = ["username", "password"].into_iter().filter(|field| data.expose().get(*field).is_none());
        let violations = required.map(|field| Violation::new(format!("/{field}"), "required", "This is required."));
        Ok(FormReport { violations: violations.collect(), secret_pointers: vec!["/password".to_owned()] })
    }

    async fn call(&self, _: &str, call: PluginCall<'_>) -> Result<PluginAnswer, PluginError> {
        Ok(match call {
            PluginCall::Template { variant: None | Some("plain") } => {
                PluginAnswer::Template(json!({"username": "", "password": ""}))
            }
            PluginCall::Template { .. } => return Err(PluginError::NotFound("variant".to_owned())),
            PluginCall::Inspect { public, .. } => {
                let selector = |kind: &str, value: &str| Selector { kind: kind.to_owned(), value: value.to_owned() };
                PluginAnswer::Inspection(Inspection {
                    data: public.clone(),
                    attributes: json!({}),
                    selectors: vec![selector("host", "example.com"), selector("image-prefix", "registry.example.com")],
                    ..Inspection::default()
                })
            }
            PluginCall::Check { .. } => PluginAnswer::Rewrites(Vec::new()),
            PluginCall::Materialize { data, format, .. } => {
                let content = self.content(data, format).await?.into();
                let (name, media_type) = ("login".to_owned(), "text/plain".to_owned());
                PluginAnswer::Artifacts(vec![Artifact { name, media_type, content, sensitive: true }])
            }
            PluginCall::Network { operation, .. } => match operation {
                NetworkOperation::Probe => return Err(PluginError::Unsupported("probe".to_owned())),
                NetworkOperation::DnsCheck { fqdn } => {
                    self.provide(&format!("check {}", fqdn.unwrap_or_default()))?;
                    let (summary, details) = ("May write.".to_owned(), json!({"zone": "example.com"}));
                    PluginAnswer::Report(ProbeReport { summary, details })
                }
                NetworkOperation::DnsPresent { txt } => {
                    if txt.value == "slow" {
                        self.entered.notify_one();
                        self.release.notified().await;
                    }
                    self.provide(&format!("present {} {} {}", txt.fqdn, txt.value, txt.ttl_seconds))?;
                    PluginAnswer::Handle(txt.value.clone())
                }
                NetworkOperation::DnsPoll { handle: "never" } => PluginAnswer::Progress(Progress::Pending(15)),
                NetworkOperation::DnsPoll { .. } => PluginAnswer::Progress(Progress::Done),
                NetworkOperation::DnsCleanup { txt, .. } => {
                    PluginAnswer::Done(self.provide(&format!("cleanup {} {}", txt.fqdn, txt.value))?)
                }
            },
        })
    }
}

fn provider() -> CredentialType {
    let login = login();
    let manifest =
        Manifest { id: PROVIDER.to_owned(), abilities: vec![Ability::Dns01], formats: Vec::new(), ..login.manifest };
    CredentialType { manifest, ..login }
}

fn login() -> CredentialType {
    let manifest: Manifest = serde_json::from_value(json!({
        "id": LOGIN, "title": "Login", "summary": "A login.", "category": "test", "version": "1.0.0", "formats": [],
        "slots": [{"id": "image-pull", "defaultFallback": true, "selector": "image-prefix"}, {"id": "certificate"}]
    }))
    .unwrap();
    let formats = ["text", "binary", "failing", "panicking", "slow"];
    let formats = formats.map(|id| Format { id: id.to_owned(), title: String::new() });
    let variant = Variant { id: "plain".to_owned(), title: "Plain".to_owned(), how_to: String::new() };
    CredentialType {
        manifest: Manifest {
            formats: formats.to_vec(),
            variants: vec![variant],
            abilities: vec![Ability::Defaultable],
            ..manifest
        },
        schema: json!({"type": "object", "properties": {"password": {"writeOnly": true}}}),
        digest: digest(),
        contract_version: "0.1.0".to_owned(),
    }
}

fn digest() -> String {
    format!("sha256:{}", "1".repeat(64))
}
