//! A credential type that tries to leak what it is trusted with.
//!
//! `tests/guests/hostile` is a component whose public field `mode` picks one
//! way out. Each is tried with a canary for a secret; afterwards the canary is
//! nowhere but in what reveal and materialize answered.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use serde_json::{Value, json};

use super::guest::{Guest, install};
use crate::leaks::canary::Canary;
use crate::support::{Client, Reply, Server};

/// Ways out that make the call fail: nothing is stored.
const REFUSED: &[&str] = &[
    "inspect-violation",
    "inspect-internal",
    "inspect-panic",
    "inspect-loop",
    "inspect-plants-secret",
    "inspect-huge",
    "inspect-unknown-field",
    "check-message",
    "check-code",
    "check-pointer",
    "check-deep-pointer",
    "check-denied",
    "check-not-found",
    "check-unavailable",
    "check-unsupported",
    "check-internal",
    "check-throttled",
    "check-panic",
    "check-trap",
    "check-loop",
    "check-allocate",
    "check-recurse",
    "check-huge",
    "check-many-violations",
    "check-network",
    "check-rewrites-note",
    "check-rewrites-derived",
    "check-rewrites-mode",
    "check-rewrites-all",
    "check-rewrites-deep",
    "check-bad-json",
];

/// Ways out after which there is a credential.
const STORED: &[&str] = &["none", "check-log"];

/// Ways out of materialization that make it fail.
const NO_ARTIFACTS: &[&str] = &[
    "artifact-path",
    "artifact-media-type",
    "artifact-twice",
    "artifact-huge",
    "artifact-error",
    "artifact-denied",
    "artifact-panic",
    "artifact-loop",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_type_leaks_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data_dir, plugins) = (folder.path().join("data"), folder.path().join("plugins"));
    let canary = Canary::of("a secret of the hostile type", &format!("c{}", uuid::Uuid::new_v4().simple()));
    install(Guest::Marked, &plugins);

    let server = start(&data_dir, &plugins).await;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let recording = server.operator().recording(&recorded);
    for mode in REFUSED {
        refused(&recording, mode, canary.text()).await;
    }
    assert_eq!(recording.all("credentials").await.len(), 0, "something refused was stored");
    for mode in STORED {
        stored(&server.operator(), &recording, mode, canary.text()).await;
    }
    for mode in NO_ARTIFACTS {
        no_artifacts(&recording, mode, canary.text()).await;
    }
    named_artifact(&server.operator(), &recording, canary.text()).await;
    look_around(&recording).await;
    let mut logs = server.log();
    crate::crash::stop(server).await;

    // A new version may only add to what is secret: it waits until an operator
    // takes it all the same.
    install(Guest::Unmarked, &plugins);
    let server = start(&data_dir, &plugins).await;
    let plugin = server.operator().get("/v1/plugins/hostile").await.expect(200);
    assert_eq!((&plugin["version"], &plugin["state"]), (&json!("1.0.0"), &json!("active")), "{plugin}");
    server.operator().act("/v1/plugins/hostile/approve").await.expect(200);
    let recording = server.operator().recording(&recorded);
    unmarked(&server.operator(), &recording, canary.text()).await;
    look_around(&recording).await;
    logs += &server.log();
    crate::crash::stop(server).await;

    assert!(logs.contains("TRACE"), "the log was not at its most talkative");
    canary.not_in("the log", logs.as_bytes());
    for reply in recorded.lock().expect("no thread panicked").iter() {
        let Reply { method, path, status, .. } = reply;
        canary.not_in(&format!("the answer {status} to {method} {path}"), format!("{:?}", reply.headers).as_bytes());
        canary.not_in(&format!("the answer {status} to {method} {path}"), &reply.bytes);
    }
    for file in std::fs::read_dir(&data_dir).expect("the data directory").flatten().filter(|file| file.path().is_file())
    {
        canary.not_in(&file.path().display().to_string(), &std::fs::read(file.path()).expect("a readable file"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_hangs_or_hoards_costs_only_its_own_requests() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugins = folder.path().join("plugins");
    install(Guest::Marked, &plugins);
    let server = start(&folder.path().join("data"), &plugins).await;
    let operator = server.operator();
    let attacks = (0..24).map(|n| {
        let mode = ["check-loop", "check-allocate", "inspect-loop", "check-recurse"][n % 4];
        let (operator, body) = (operator.clone(), credential(&format!("attack-{n}"), mode, "secret"));
        async move { operator.post("credentials", body).await.status }
    });
    let work = (0..24).map(|n| {
        let operator = operator.clone();
        async move {
            let name = format!("honest-{n}");
            let data = json!({ "username": "octo", "password": name });
            operator.post("credentials", json!({ "type": "basic-auth", "name": name, "data": data })).await.expect(201);
            let revealed = operator.post(&format!("credentials/{name}/reveal"), json!({})).await.expect(200);
            assert_eq!(revealed["data"]["password"], name.as_str());
        }
    });
    let (attacks, _) = tokio::join!(join_all(attacks), join_all(work));
    assert!(attacks.iter().all(|status| *status >= 429), "{attacks:?}");
    assert!(server.is_running());
    // The sandboxes they held are free again.
    operator.post("credentials", credential("after", "none", "secret")).await.expect(201);
}

async fn start(data_dir: &Path, plugins: &Path) -> Server {
    let server = Server::builder().data_dir(data_dir).plugins(plugins);
    let server = server.env("BURSAR_LOG__LEVEL", "trace").env("RUST_LOG", "trace").start().await;
    let plugin = server.operator().get("/v1/plugins/hostile").await.expect(200);
    assert_eq!(plugin["state"], "active", "{plugin}");
    server
}

fn credential(name: &str, mode: &str, secret: &str) -> Value {
    json!({ "type": "hostile", "name": name, "data": { "mode": mode, "note": "public", "secret": secret } })
}

/// It fails as the plugin's fault or the input's, never as the caller's.
async fn refused(client: &Client, mode: &str, secret: &str) {
    for path in ["credentials/validate", "credentials"] {
        let reply = client.post(path, credential(mode, mode, secret)).await;
        let (status, text) = (reply.status, String::from_utf8_lossy(&reply.bytes));
        assert!(status >= 404 && status != 409, "{mode}: {status} {text}");
        assert!(!text.contains("rust") && !text.contains("wasm"), "{mode}: {text}");
    }
}

async fn stored(entitled: &Client, client: &Client, mode: &str, secret: &str) {
    let path = format!("credentials/{mode}");
    let created = client.post("credentials", credential(mode, mode, secret)).await.expect(201);
    assert_eq!(created["secretFields"], json!(["/secret"]), "{mode}");
    // The instance that saw the secret is not the one that inspects next.
    let after = client.patch(&path, json!({ "data": { "secret": format!("{secret}.2") } })).await.expect(200);
    let inspected = after["attributes"]["seen"].as_str().expect("what inspect saw");
    assert!(inspected.contains("None") && !inspected.contains("Some"), "{mode}: {inspected}");
    let shown = client.get(&path).await.expect(200);
    assert_eq!(shown["data"].get("secret"), None, "{mode}");
    let revealed = entitled.post(&format!("{path}/reveal"), json!({})).await.expect(200);
    assert!(revealed["data"]["secret"].to_string().contains(&format!("{secret}.2")), "{mode}");
}

async fn no_artifacts(client: &Client, mode: &str, secret: &str) {
    client.post("credentials", credential(mode, mode, secret)).await.expect(201);
    let reply = client.post(&format!("credentials/{mode}/materialize"), json!({ "format": "loot" })).await;
    assert!(reply.status >= 404, "{mode}: {} {}", reply.status, String::from_utf8_lossy(&reply.bytes));
}

/// A well-formed artifact name is content: it is handed out and recorded nowhere.
async fn named_artifact(entitled: &Client, client: &Client, secret: &str) {
    client.post("credentials", credential("artifact-name", "artifact-name", secret)).await.expect(201);
    let files = entitled.post("credentials/artifact-name/materialize", json!({})).await.expect(200);
    assert_eq!(files["artifacts"][0]["name"], secret);
}

/// Everything that can be read without asking for a secret.
async fn look_around(client: &Client) {
    for item in client.all("credentials?limit=500").await {
        let id = item["id"].as_str().expect("an id");
        client.get(&format!("credentials/{id}")).await.expect(200);
        client.get(&format!("credentials/{id}/versions")).await.expect(200);
    }
    for path in
        ["/v1/plugins", "/v1/plugins/hostile", "/v1/credential-types/hostile", "/metrics", "/readyz", "/healthz"]
    {
        client.get(path).await.assert_status(200);
    }
    client.get("/v1/credential-types/hostile/template").await.expect(200);
    client.all("/v1/audit?limit=500").await;
    client.all("audit?limit=500").await;
}

async fn unmarked(entitled: &Client, client: &Client, secret: &str) {
    let plugin = client.get("/v1/plugins/hostile").await.expect(200);
    assert_eq!(plugin["version"], "2.0.0", "{plugin}");
    let shown = client.get("credentials/none").await.expect(200);
    assert_eq!((shown["data"].get("secret"), &shown["secretFields"]), (None, &json!(["/secret"])));
    // Refused or done, but never shown.
    client.patch("credentials/none", json!({ "data": { "note": "changed" } })).await;
    client.patch("credentials/none", json!({ "data": { "secret": format!("{secret}.3") } })).await;
    client.act("credentials/none/versions/1/restore").await;
    let shown = client.get("credentials/none").await.expect(200);
    assert_eq!((shown["data"].get("secret"), &shown["secretFields"]), (None, &json!(["/secret"])));
    let revealed = entitled.post("credentials/none/reveal", json!({})).await.expect(200);
    assert!(revealed["data"]["secret"].as_str().is_some_and(|text| text.starts_with(secret)));
}
