//! One credential type, with formats that behave well and badly, and a DNS
//! provider that does as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bursar_domain::Violation;
use bursar_domain::plugin::{
    Ability, Artifact, Context, CredentialType, FormReport, Format, Inspection, Manifest, NetworkCall, Permissions,
    PluginError, PluginStatus, Plugins, Progress, Report, Rewrite, Selector, State, TxtRecord, Variant,
};
use bursar_domain::secret::SecretJson;
use serde_json::{Value, json};
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

    async fn template(&self, _: &str, variant: Option<&str>) -> Result<Value, PluginError> {
        match variant {
            None | Some("plain") => Ok(json!({"username": "", "password": ""})),
            Some(_) => Err(PluginError::NotFound("variant".to_owned())),
        }
    }

    async fn inspect(&self, _: &str, public: &Value, _: &Context) -> Result<Inspection, PluginError> {
        let selector = |kind: &str, value: &str| Selector { kind: kind.to_owned(), value: value.to_owned() };
        Ok(Inspection {
            data: public.clone(),
            attributes: json!({}),
            selectors: vec![selector("host", "example.com"), selector("image-prefix", "registry.example.com")],
            ..Inspection::default()
        })
    }

    async fn check(&self, _: &str, _: &SecretJson, _: &[String], _: &Context) -> Result<Vec<Rewrite>, PluginError> {
        Ok(Vec::new())
    }

    async fn materialize(
        &self,
        _: &str,
        data: &SecretJson,
        format: &str,
        _: &Context,
    ) -> Result<Vec<Artifact>, PluginError> {
        let content = match format {
            "text" => data.expose()["password"].as_str().unwrap().as_bytes().to_vec(),
            "binary" => vec![0xFF, 0x00],
            "failing" => return Err(PluginError::Failed("ran out of its time budget".to_owned())),
            "panicking" => panic!("s3cret-value in a panic"),
            _ => {
                self.entered.notify_one();
                self.release.notified().await;
                b"late".to_vec()
            }
        };
        Ok(vec![Artifact {
            name: "login".to_owned(),
            media_type: "text/plain".to_owned(),
            content: content.into(),
            sensitive: true,
        }])
    }

    async fn probe(&self, _: &str, _: &NetworkCall<'_>) -> Result<Report, PluginError> {
        Err(PluginError::Unsupported("probe".to_owned()))
    }

    async fn dns_check(&self, _: &str, _: &NetworkCall<'_>, fqdn: Option<&str>) -> Result<Report, PluginError> {
        self.provide(&format!("check {}", fqdn.unwrap_or_default()))?;
        Ok(Report { summary: "May write.".to_owned(), details: json!({"zone": "example.com"}) })
    }

    async fn dns_present(&self, _: &str, _: &NetworkCall<'_>, txt: &TxtRecord) -> Result<String, PluginError> {
        if txt.value == "slow" {
            self.entered.notify_one();
            self.release.notified().await;
        }
        self.provide(&format!("present {} {} {}", txt.fqdn, txt.value, txt.ttl_seconds))?;
        Ok(txt.value.clone())
    }

    async fn dns_poll(&self, _: &str, _: &NetworkCall<'_>, handle: &str) -> Result<Progress, PluginError> {
        Ok(if handle == "never" { Progress::Pending(15) } else { Progress::Done })
    }

    async fn dns_cleanup(&self, _: &str, _: &NetworkCall<'_>, txt: &TxtRecord, _: &str) -> Result<(), PluginError> {
        self.provide(&format!("cleanup {} {}", txt.fqdn, txt.value))
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
