//! What live and hostile plugins cost the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use wit_component::ComponentEncoder;

use crate::broker::{Process, operator_token};
use crate::client::Connection;
use crate::measure::{AsyncSend, Outcome, Target, micros};
use crate::rows::mebibytes;
use crate::table::Table;

/// All rows about plugins, `calls` of the trapping one.
pub(crate) async fn rows(table: &mut Table, calls: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    let data_dir = folder.path().join("data");
    let broker = Process::broker_with_plugins(&data_dir, &plugins).await;
    let target = Target { address: broker.address.clone(), token: Some(operator_token(&data_dir)) };

    reloads(table, &target, &plugins).await;
    traps(table, &target, &plugins, calls).await;
    let rss = mebibytes(broker.resident_kib());
    table.report(&format!("resident memory after {calls} trapped calls beside as many good ones"), rss);
    broker.stop();
    sizes(table);
}

/// From the rename of a file to the first answer that calls it active.
async fn reloads(table: &mut Table, target: &Target, plugins: &Path) {
    let component = fs::read(root().join("target/plugins/examples/postgres-login.wasm")).expect("built examples");
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let component = with_note(&component, round);
        let file = plugins.join("postgres-login.wasm");
        let partial = plugins.join(".postgres-login.partial");
        fs::write(&partial, &component).expect("a file");
        let digest = known_digest(target).await;
        let begun = Instant::now();
        fs::rename(&partial, &file).expect("a file in its place");
        while known_digest(target).await == digest {
            sleep(Duration::from_millis(2)).await;
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let what = format!("new plugin file of {} KB to active, compiled", component.len() / 1000);
    let (median, worst) = (times[times.len() / 2].as_millis(), times[times.len() - 1].as_millis());
    table.report(&what, format!("{median} ms (worst of {ROUNDS}: {worst} ms)"));
}

/// The digest of the plugin that is active now.
async fn known_digest(target: &Target) -> Option<String> {
    let answer = target.connect().await.get("/v1/plugins/postgres-login").await.expect("an answer");
    let plugin: Value = serde_json::from_slice(&answer.body).expect("JSON");
    (plugin["state"] == "active").then(|| plugin["digest"].to_string())
}

/// The same component with other bytes: a custom section at its end.
fn with_note(component: &[u8], round: u8) -> Vec<u8> {
    [component, &[0, 6, 4, b'n', b'o', b't', b'e', round]].concat()
}

/// The healthy plugin's p99: alone, beside one that answers, beside one that traps.
async fn traps(table: &mut Table, target: &Target, plugins: &Path, calls: usize) {
    fs::write(plugins.join("hostile.wasm"), hostile()).expect("a plugin file");
    while target.connect().await.get("/v1/credential-types/hostile").await.expect("an answer").status != 200 {
        sleep(Duration::from_millis(20)).await;
    }
    let healthy = || Validate { body: basic(), status: 204 };
    target.run(1, calls / 20, healthy()).await;
    let alone = target.run(1, calls / 5, healthy()).await;
    let beside_good = beside(target, calls, healthy(), Validate { body: mode("none"), status: 204 }).await;
    let beside_bad = beside(target, calls, healthy(), Validate { body: mode("check-trap"), status: 502 }).await;
    let p99 = |of: &Outcome| micros(of.percentile(99)) / 1e3;
    for (against, other) in [("beside one that answers", &beside_good), ("alone", &alone)] {
        let what = format!("a healthy plugin's p99 beside {calls} calls of one that traps");
        let (ours, theirs) = (p99(&beside_bad), p99(other));
        table.compare(&what, format!("{ours:.1} ms"), format!("{theirs:.1} ms {against}"), ours / theirs);
    }
}

/// The latencies of one client's requests while four others send theirs.
async fn beside(target: &Target, calls: usize, healthy: Validate, other: Validate) -> Outcome {
    let (outcome, _) = tokio::join!(target.run(1, calls / 5, healthy), target.run(4, calls, other));
    outcome
}

struct Validate {
    body: Value,
    status: u16,
}

impl AsyncSend for Validate {
    async fn send(&self, connection: &mut Connection, _: usize) {
        let path = "/v1/accounts/default/credentials/validate";
        let answer = connection.post(path, &self.body).await.expect("an answer");
        assert_eq!(answer.status, self.status, "{}", String::from_utf8_lossy(&answer.body));
    }
}

fn basic() -> Value {
    json!({ "type": "basic-auth", "name": "web", "data": { "username": "octo", "password": "correct horse" } })
}

fn mode(mode: &str) -> Value {
    json!({ "type": "hostile", "name": "bad", "data": { "mode": mode, "note": "public", "secret": "hidden" } })
}

/// The tests' hostile type, built as they build it.
fn hostile() -> Vec<u8> {
    let target = root().join("target/acceptance-guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--release", "--target", TARGET, "--manifest-path"]);
    cargo.arg(root().join("tests/guests/hostile/Cargo.toml")).arg("--target-dir").arg(&target);
    assert!(cargo.status().expect("cargo starts").success(), "the hostile guest does not build");
    let module = fs::read(target.join(TARGET).join("release/hostile.wasm")).expect("cargo left the module");
    let encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).expect("a module with its interface").encode().expect("a component")
}

/// Of every component that ships inside the binary.
fn sizes(table: &mut Table) {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("target/plugins"))
        .expect("built plugins")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect();
    files.sort();
    for file in files {
        let bytes = fs::metadata(&file).expect("a file").len();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        table.report(&format!("size of `{name}`"), format!("{} KB", bytes.div_ceil(1000)));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

const ROUNDS: u8 = 7;
const TARGET: &str = "wasm32-unknown-unknown";
