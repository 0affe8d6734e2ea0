//! A DNS provider that tries to get at the secrets it holds by name.
//!
//! `tests/guests/hostile-dns` has a server of its own, which echoes what it is
//! sent in every encoding. Each attempt is made with canaries for secrets: they
//! reach that server in the places that the manifest declares and are nowhere
//! else, whatever the plugin makes of what it saw.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::guest::{Guest, install};
use crate::leaks::canary::Canary;
use crate::support::echo::{Echo, Seen};
use crate::support::{Client, Reply, Server};

/// As declared: the secret arrives in its place, and its echo is blotted out.
const DECLARED: &[&str] = &["echo-header", "echo-basic", "echo-json", "echo-form", "redirect", "token", "sign-echo"];

/// Against the rules: the host refuses, on the record, before anything is sent.
const REFUSED: &[&str] = &[
    "other-header",
    "two-headers",
    "query",
    "body",
    "other-field",
    "half-field",
    "twice-in-body",
    "raw-in-json",
    "header-name",
    "crlf",
    "host-header",
    "length-header",
    "other-method",
    "bad-method",
    "other-path",
    "dot-path",
    "other-host",
    "other-port",
    "undeclared-host",
    "suffix-host",
    "userinfo",
    "plain-http",
    "raw-ip",
    "decimal-ip",
    "private-name",
    "other-scheme",
    "pointer",
    "sign-elsewhere",
    "key-as-text",
    "handles",
    "token-unnamed",
    "token-elsewhere",
    "huge-request",
];

/// Nothing is sent, since no key or digest was had to send.
const NO_KEY: &[&str] = &["sign-undeclared", "digest", "pem"];

/// The request is good and the answer is not.
const BAD_ANSWERS: &[&str] = &["gzip", "huge-answer", "truncated"];

/// The call ends, whatever the plugin had in mind.
const ENDED: &[&str] = &["loop", "loop-of-sends", "allocate", "recurse", "trap", "panic"];

/// Ways out for what it saw.
const WAYS: &[&str] = &["handle", "denied", "not-found", "unavailable", "internal", "throttled", "huge"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_provider_gets_at_no_secret() {
    let world = World::start().await;
    let stop = Arc::new(AtomicBool::new(false));
    let honest = tokio::spawn(honest_work(world.server.operator(), Arc::clone(&stop)));

    for mode in DECLARED {
        world.attempt(mode, "handle").await;
        let (sent, _) = world.requests(mode).await;
        assert!(!sent.is_empty(), "{mode}: nothing arrived, so nothing was proved");
    }
    for way in WAYS {
        world.attempt("echo-header", way).await;
        world.requests(way).await;
    }
    for mode in REFUSED {
        world.attempt(mode, "internal").await;
        let (sent, recorded) = world.requests(mode).await;
        assert!(sent.is_empty(), "{mode}: {sent:?}");
        let refused = recorded.iter().filter(|entry| entry["outcome"] == "denied");
        assert!(refused.count() > 0, "{mode}: the refusal is not on the record: {recorded:?}");
    }
    for mode in NO_KEY {
        world.attempt(mode, "internal").await;
        assert!(world.requests(mode).await.0.is_empty(), "{mode}");
    }
    for mode in BAD_ANSWERS {
        world.attempt(mode, "internal").await;
        let (_, recorded) = world.requests(mode).await;
        assert!(recorded.iter().all(|entry| entry["outcome"] != "ok"), "{mode}: {recorded:?}");
    }
    for mode in ENDED {
        let reply = world.attempt(mode, "handle").await;
        assert!(reply.status >= 500, "{mode}: {} {}", reply.status, reply.body);
        world.requests(mode).await;
    }
    world.attempt("flood", "handle").await;
    let (sent, recorded) = world.requests("flood").await;
    assert_eq!(sent.len(), 20);
    assert!(recorded.len() <= 22, "a flood fills the audit trail: {} records", recorded.len());
    world.pure_plane_is_shut().await;

    stop.store(true, Ordering::Relaxed);
    let served = honest.await.expect("every unrelated request was answered");
    assert!(served > 0);
    assert!(world.server.is_running());
    world.nothing_leaked().await;
}

/// Unrelated requests, all the while; each must be answered well.
async fn honest_work(operator: Client, stop: Arc<AtomicBool>) -> usize {
    let mut served = 0;
    while !stop.load(Ordering::Relaxed) {
        let name = format!("honest-{served}");
        let data = json!({ "username": "octo", "password": name });
        operator.post("credentials", json!({ "type": "basic-auth", "name": name, "data": data })).await.expect(201);
        let revealed = operator.post(&format!("credentials/{name}/reveal"), json!({})).await.expect(200);
        assert_eq!(revealed["data"]["password"], name.as_str());
        served += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    served
}

struct World {
    _folder: tempfile::TempDir,
    server: Server,
    recording: Client,
    recorded: Arc<Mutex<Vec<Reply>>>,
    echo: Echo,
    token: Canary,
    form: Canary,
    key: Canary,
    minted: Canary,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plugins = folder.path().join("plugins");
        install(Guest::Dns, &plugins);
        let canary = |place: &str| Canary::of(place, &format!("c{}", uuid::Uuid::new_v4().simple()));
        let (token, form, key) = (canary("a header"), canary("a field"), canary("a key"));
        let minted = canary("a minted token");
        let names = ["evil.test", "mirror.test", "other.test", "evil.test.other.test"];
        let echo = Echo::start(&names, minted.text());
        let server = Server::builder()
            .data_dir(&folder.path().join("data"))
            .plugins(&plugins)
            .env("BURSAR_PLUGINS__APPROVAL", "allow")
            .env("BURSAR_PLUGINS__CONNECT_OVERRIDES", echo.server().connect_overrides())
            .env("BURSAR_PLUGINS__EXTRA_ROOTS", echo.server().root())
            .env("BURSAR_LOG__LEVEL", "trace")
            .env("RUST_LOG", "trace")
            .start()
            .await;
        let plugin = server.operator().get("/v1/plugins/hostile-dns").await.expect(200);
        assert_eq!(plugin["state"], "active", "{plugin}");
        let recorded = Arc::default();
        let recording = server.operator().recording(&recorded);
        Self { _folder: folder, server, recording, recorded, echo, token, form, key, minted }
    }

    /// Lets the plugin try, through every function that may speak.
    async fn attempt(&self, mode: &str, way: &str) -> Reply {
        let name = crate::support::account::unique(mode);
        let data = json!({
            "mode": mode, "way": way, "tenant": "acme",
            "token": self.token.text(), "form": self.form.text(), "key": self.key.text(),
        });
        let body = json!({ "type": "hostile-dns", "name": name, "data": data });
        self.recording.post("credentials", body).await.expect(201);
        let record = json!({ "fqdn": "_acme-challenge.example.com", "value": "a-public-value" });
        let reply = self.recording.post(&format!("credentials/{name}/dns/present"), record).await;
        let (status, text) = (reply.status, String::from_utf8_lossy(&reply.bytes));
        // It is never told as the caller's own fault or right.
        assert!(status == 200 || (status >= 404 && status != 409), "{mode}: {status} {text}");
        if status != 200 {
            assert!(reply.body["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{mode}: {text}");
        }
        reply
    }

    /// What reached its servers since the last time, and what is on the record
    /// of it. No canary may be anywhere but in its place.
    async fn requests(&self, mode: &str) -> (Vec<Seen>, Vec<Value>) {
        let sent = self.echo.take();
        for request in &sent {
            let declared = request.host == "evil.test" && request.path.starts_with("/api/");
            assert!(declared || request.path.starts_with("/oauth/"), "{mode}: {request:?}");
            for canary in [&self.token, &self.minted] {
                let rest = if declared { request.without("authorization") } else { request.without("") };
                canary.not_in(&format!("a request of {mode}"), &rest);
            }
            self.key.not_in(&format!("a request of {mode}"), &request.without(""));
            let body = String::from_utf8_lossy(&request.body);
            let field = format!("{{\"secret\":\"{}\"}}", self.form.text());
            if declared && (body == field || body == format!("secret={}", self.form.text())) {
                let bodiless = Seen { body: Vec::new(), ..request.clone() };
                self.form.not_in(&format!("a request of {mode}"), &bodiless.without(""));
            } else {
                self.form.not_in(&format!("a request of {mode}"), &request.without(""));
            }
        }
        let events = self.recording.all("audit?limit=500").await;
        let this: Vec<Value> = events
            .into_iter()
            .take_while(|entry| {
                entry["action"] != "credential.create"
                    || !entry["plugin"].as_str().unwrap_or_default().starts_with("hostile-dns@")
            })
            .collect();
        let outcome = this.iter().find(|entry| entry["action"] == "dns.present");
        assert!(outcome.is_some(), "{mode}: the call is not on the record");
        let recorded: Vec<Value> = this.into_iter().filter(|entry| entry["action"] == "http.send").collect();
        for entry in &recorded {
            let plugin = entry["plugin"].as_str().unwrap_or_default();
            assert!(plugin.starts_with("hostile-dns@sha256:"), "{mode}: {entry}");
            assert!(entry["detail"]["method"].is_string() && entry["detail"]["host"].is_string(), "{mode}: {entry}");
        }
        (sent, recorded)
    }

    /// The same component, in a call that sees the secrets.
    async fn pure_plane_is_shut(&self) {
        let entitled = self.server.operator();
        let flood = self.recording.all("credentials?limit=500").await;
        let flood = flood.iter().find(|it| it["data"]["mode"] == "flood").expect("a credential");
        let path = format!("credentials/{}/materialize", flood["id"].as_str().expect("an id"));
        let files = entitled.post(&path, json!({})).await.expect(200);
        let loot = files["artifacts"][0]["content"].as_str().expect("a text");
        assert!(loot.contains("Unsupported") && !loot.contains("Ok("), "the pure plane is not shut");
        assert!(self.echo.take().is_empty());
    }

    async fn nothing_leaked(&self) {
        for path in ["/v1/plugins/hostile-dns", "/metrics", "credentials?limit=500"] {
            self.recording.get(path).await.assert_status(200);
        }
        self.recording.all("/v1/audit?limit=500").await;
        let log = self.server.log();
        assert!(log.contains("TRACE"), "the log was not at its most talkative");
        for canary in [&self.token, &self.form, &self.key, &self.minted] {
            canary.not_in("the log", log.as_bytes());
            for reply in self.recorded.lock().expect("no thread panicked").iter() {
                let Reply { method, path, status, .. } = reply;
                let what = format!("the answer {status} to {method} {path}");
                canary.not_in(&what, format!("{:?}", reply.headers).as_bytes());
                canary.not_in(&what, &reply.bytes);
            }
            for file in files(self.server.data_dir()) {
                canary.not_in(&file.display().to_string(), &std::fs::read(&file).expect("a readable file"));
            }
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
