//! A host that keeps none of its promises, for tests: what the real one prevents
//! must still be found, or nobody would notice if it stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::plugin::{
    Artifact, CredentialType, FormReport, Inspection, NetworkCall, NetworkOperation, PluginAnswer, PluginCall,
    PluginError, PluginStatus, Plugins, ProbeReport as Probed, Progress, Rewrite,
};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_cases::{Labelled, load};
use bursar_plugin_host::{Reach, Transport as _, WireRequest};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::bench::Bench;
use crate::report::{Area, Level, Report};
use crate::wire::Wire;
use crate::{cases, secrets, stability};

/// Gives plugins everything and lets everything out. `/token` is secret.
struct BrokenHost {
    kind: Arc<CredentialType>,
    wire: Arc<Wire>,
    calls: AtomicU32,
    breach: Breach,
}

#[derive(Clone, Copy, PartialEq)]
enum Breach {
    None,
    /// Randomness reaches what is materialized.
    Chance,
    /// The secret is in a report.
    Report,
    /// What the server echoed reaches the plugin unscrubbed, and people.
    Echo,
    /// The secret goes to a wrong place.
    Placement,
    /// `inspect` gets a secret, and reveals it.
    Inspect,
    /// A captured token is revealed.
    Token,
}

impl BrokenHost {
    fn secret(call: &NetworkCall<'_>) -> String {
        call.data.expose()["token"].as_str().unwrap().to_owned()
    }

    async fn probe(&self, call: &NetworkCall<'_>) -> Probed {
        let secret = Self::secret(call);
        let header = if self.breach == Breach::Placement { "x-debug" } else { "authorization" };
        let answer = self.send(&secret, "https://api.example.com/", header).await;
        let token = self.send("", "https://login.example.com/token", "accept").await;
        let summary = match self.breach {
            Breach::Report => format!("signed in with {secret}"),
            Breach::Echo => serde_json::from_str::<Value>(&answer).unwrap()["echo"]["base64"].to_string(),
            Breach::Token => serde_json::from_str::<Value>(&token).unwrap()["access_token"].to_string(),
            _ => "signed in".to_owned(),
        };
        Probed { summary, details: json!({}) }
    }

    async fn send(&self, secret: &str, url: &str, header: &str) -> String {
        let request = WireRequest {
            method: "POST".into(),
            url: url.parse().unwrap(),
            headers: vec![(header.into(), Zeroizing::new(secret.as_bytes().to_vec()))],
            body: None,
        };
        let reach = Reach { addresses: vec![], timeout: Duration::from_secs(1), max_answer_bytes: 1 << 20 };
        match self.wire.exchange(request, &reach).await {
            Ok(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
            Err(error) => error.to_string(),
        }
    }
}

#[async_trait]
impl Plugins for BrokenHost {
    fn types(&self) -> Vec<Arc<CredentialType>> {
        vec![Arc::clone(&self.kind)]
    }

    fn find(&self, _: &str) -> Option<Arc<CredentialType>> {
        Some(Arc::clone(&self.kind))
    }

    fn status(&self) -> Vec<PluginStatus> {
        Vec::new()
    }

    fn validate_form(&self, _: &str, _: &SecretJson) -> Result<FormReport, PluginError> {
        Ok(FormReport { violations: Vec::new(), secret_pointers: vec!["/token".into()] })
    }

    async fn decided(&self) {}

    async fn call(&self, _: &str, call: PluginCall<'_>) -> Result<PluginAnswer, PluginError> {
        Ok(match call {
            PluginCall::Template { .. } => PluginAnswer::Template(json!({})),
            PluginCall::Inspect { public, .. } => {
                PluginAnswer::Inspection(Inspection { data: public.clone(), ..Inspection::default() })
            }
            PluginCall::Check { data, .. } if self.breach == Breach::Inspect => {
                let value = SecretJson::new(json!(hex::encode(data.expose()["token"].as_str().unwrap())));
                PluginAnswer::Rewrites(vec![Rewrite { pointer: "/public".into(), value }])
            }
            PluginCall::Check { .. } => PluginAnswer::Rewrites(Vec::new()),
            PluginCall::Materialize { .. } => {
                let chance = if self.breach == Breach::Chance { self.calls.fetch_add(1, Ordering::Relaxed) } else { 0 };
                let content = Zeroizing::new(chance.to_string().into_bytes());
                let (name, media_type) = ("a".into(), "text/plain".into());
                PluginAnswer::Artifacts(vec![Artifact { name, media_type, content, sensitive: true }])
            }
            PluginCall::Network { call, operation } => match operation {
                NetworkOperation::Probe | NetworkOperation::DnsCheck { .. } => {
                    PluginAnswer::Report(self.probe(call).await)
                }
                NetworkOperation::DnsPresent { .. } => PluginAnswer::Handle(String::new()),
                NetworkOperation::DnsPoll { .. } => PluginAnswer::Progress(Progress::Done),
                NetworkOperation::DnsCleanup { .. } => PluginAnswer::Done(()),
            },
        })
    }
}

/// What is found of a plugin in a host with this breach.
async fn found(breach: Breach) -> Vec<(Level, Area, String)> {
    let manifest = json!({
        "id": "a", "title": "A", "summary": "A.", "category": "test", "version": "1.0.0",
        "abilities": ["probe"], "formats": [{ "id": "login" }],
        "placements": [{ "secret": "/token", "host": "api.example.com", "place": "header:authorization" }],
        "tokenEndpoints": [{ "name": "login", "url": "https://login.example.com/token", "capture": { "access": "/access_token" } }],
    });
    let kind = Arc::new(CredentialType {
        manifest: serde_json::from_value(manifest).unwrap(),
        schema: json!({}),
        digest: String::new(),
        contract_version: "0.1.0".into(),
    });
    let wire = Arc::new(Wire::default());
    let host = BrokenHost { kind: Arc::clone(&kind), wire: Arc::clone(&wire), calls: AtomicU32::new(0), breach };
    let bench = Bench { plugins: Box::new(host), kind, wire, recording: Arc::default() };
    let request =
        |url: &str| json!({ "request": { "method": "POST", "url": url }, "answer": { "status": 200, "json": {} } });
    let data = json!({ "token": "an-own-t0ken" });
    let cases = cases_of(&json!([
        { "about": "", "call": "materialize", "format": "login", "data": data, "ok": { "artifacts": { "a": {} } } },
        { "about": "", "call": "probe", "data": data, "ok": {},
          "http": [request("https://api.example.com/"), request("https://login.example.com/token")] },
    ]));
    let mut report = Report::default();
    cases::replay(&bench, &cases, &mut report).await;
    stability::check(&bench, &cases, &mut report).await;
    secrets::check(&bench, &cases, &mut report).await;
    report.findings.into_iter().map(|it| (it.level, it.area, it.summary)).collect()
}

fn cases_of(list: &Value) -> Vec<Labelled> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cases.json"), list.to_string()).unwrap();
    load(folder.path()).unwrap()
}

async fn assert_found(breach: Breach, area: Area, says: &str) {
    let found = found(breach).await;
    let told = found.iter().any(|it| (it.0, it.1) == (Level::Fail, area) && it.2.contains(says));
    assert!(told, "{says}: {found:?}");
}

#[tokio::test]
async fn without_a_breach_nothing_is_found() {
    let found = found(Breach::None).await;
    assert!(found.iter().all(|(level, ..)| *level == Level::Ok), "{found:?}");
    let secrets = "1 secret in 1 form: nothing of them came out in 5 answers and 4 requests";
    assert!(found.iter().any(|(.., summary)| summary == secrets), "{found:?}");
}

#[tokio::test]
async fn chance_in_what_is_materialized_is_found() {
    assert_found(Breach::Chance, Area::Stability, "login: materializing twice gives different bytes").await;
}

#[tokio::test]
async fn a_secret_in_a_report_is_found() {
    assert_found(Breach::Report, Area::Secrets, "the secret /token is in the answer to `probe`, plain").await;
}

#[tokio::test]
async fn what_a_server_echoed_is_found() {
    assert_found(Breach::Echo, Area::Secrets, "the secret /token is in the answer to `probe`, in base64").await;
}

#[tokio::test]
async fn a_secret_in_another_place_is_found() {
    assert_found(Breach::Placement, Area::Secrets, "the secret /token is sent where the manifest does not place it")
        .await;
}

#[tokio::test]
async fn a_secret_in_a_public_field_is_found() {
    assert_found(Breach::Inspect, Area::Secrets, "the secret /token is in the public field /public").await;
    assert_found(Breach::Inspect, Area::Secrets, "the secret /token is in the data of inspect, in hex").await;
}

#[tokio::test]
async fn a_captured_token_that_is_told_is_found() {
    assert_found(Breach::Token, Area::Secrets, "what login gave out as access is in the answer to `probe`").await;
}
