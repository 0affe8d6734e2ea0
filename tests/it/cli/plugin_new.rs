//! A plugin from nothing, in each language: a folder, a component, a type in use.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::runner::Cli;
use crate::support::samples::{artifact, credential};
use crate::support::server::{binary, eventually, workspace};
use crate::support::tls_server::TlsServer;
use crate::support::{Account, Server};

#[test]
fn a_folder_is_made_without_a_broker_and_never_over_another() {
    let cli = Cli::bare();
    let made = cli.run(&["plugin", "new", "my-host", "--kind", "dns-provider", "--lang", "python"]).ok();
    assert!(made.stdout.starts_with("dns-my-host\nnext:\n"), "{}", made.stdout);
    let manifest = fs::read_to_string(cli.home().join("dns-my-host/manifest.json")).expect("its manifest");
    assert!(manifest.contains(r#""id": "dns-my-host""#), "{manifest}");

    let taken = cli.run(&["plugin", "new", "dns-my-host", "--kind", "dns-provider"]).code(5);
    assert!(taken.stderr.contains("dns-my-host exists"), "{}", taken.stderr);
    let bad = cli.run(&["plugin", "new", "My_Host"]).code(2);
    assert!(bad.stderr.contains("`My_Host` cannot name a plugin"), "{}", bad.stderr);
    let nothing = cli.run(&["plugin", "build", "."]).code(2);
    assert!(nothing.stderr.contains("manifest.json"), "{}", nothing.stderr);
}

#[tokio::test]
async fn a_new_type_in_each_language_builds_and_is_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    for language in LANGUAGES {
        let id = format!("login-{language}");
        bursar(folder.path(), &["plugin", "new", &id, "--lang", language]);
        let built = bursar(folder.path(), &["plugin", "build", &id, "--quiet"]);
        let checked = bursar(folder.path(), &["plugin", "check", &id, "--strict"]);
        assert!(checked.contains("0 failed"), "{checked}");
        fs::copy(folder.path().join(built.trim_end()), plugins.join(format!("{id}.wasm"))).expect("a component");
    }

    let server = Server::builder().plugins(&plugins).start().await;
    let account = Account::on(&server).await;
    for language in LANGUAGES {
        let id = format!("login-{language}");
        let path = format!("/v1/credential-types/{id}");
        let is_there = eventually(A_COMPILATION, async || account.manager.get(&path).await.status == 200).await;
        assert!(is_there, "{id} is not loaded");
        let data = json!({ "username": "Ann", "password": "s3 cret" });
        let created = account.create(credential(&id, language, data)).await;
        assert_eq!(created["data"]["username"], "ann", "{id} normalises");
        let path = format!("credentials/{language}/materialize");
        let files = account.manager.post(&path, json!({ "format": "env" })).await.expect(200);
        let prefix = format!("LOGIN_{}", language.to_uppercase());
        assert_eq!(artifact(&files, ".env"), format!("{prefix}_USERNAME=ann\n{prefix}_PASSWORD='s3 cret'\n"));
    }
}

/// A provider of each language: made, built, checked, dropped into a running
/// broker, approved, and put to use against the service that its template
/// speaks to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_provider_in_each_language_builds_and_speaks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    let records = Records::default();
    let service = TlsServer::start(&["api.example.com"], service(records.clone()));
    let server = Server::builder()
        .plugins(&plugins)
        .env("BURSAR_PLUGINS__CONNECT_OVERRIDES", service.connect_overrides())
        .env("BURSAR_PLUGINS__EXTRA_ROOTS", service.root())
        .start()
        .await;
    let account = Account::on(&server).await;
    for language in LANGUAGES {
        let id = format!("dns-new-{language}");
        bursar(folder.path(), &["plugin", "new", &id, "--kind", "dns-provider", "--lang", language]);
        let built = bursar(folder.path(), &["plugin", "build", &id, "--quiet"]);
        let checked = bursar(folder.path(), &["plugin", "check", &id, "--strict"]);
        assert!(checked.contains("0 failed"), "{checked}");
        let partial = plugins.join(".new");
        fs::copy(folder.path().join(built.trim_end()), &partial).expect("a component");
        fs::rename(&partial, plugins.join(format!("{id}.wasm"))).expect("a component in its place");

        let path = format!("/v1/plugins/{id}");
        let state = async || server.operator().get(&path).await.body["state"].clone();
        assert!(eventually(A_COMPILATION, async || state().await == "pending").await, "{id}: {}", state().await);
        let output = server.cli(&["plugin", "approve", &id, "--yes"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(state().await, "active", "{id}");

        account.create(credential(&id, &id, json!({ "apiToken": TOKEN }))).await;
        account.manager.post(&format!("credentials/{id}/probe"), json!({})).await.expect(200);
        let fqdn = format!("_acme-challenge.{language}.example.org");
        for (operation, value, status, left) in [
            ("present", "one", 200, &["one"][..]),
            ("present", "two", 200, &["one", "two"]),
            ("present", "two", 200, &["one", "two"]),
            ("cleanup", "one", 204, &["two"]),
            ("cleanup", "two", 204, &[]),
        ] {
            let body = json!({ "fqdn": fqdn, "value": value });
            let path = format!("credentials/{id}/dns/{operation}");
            account.manager.post(&path, body).await.assert_status(status);
            let mut values: Vec<String> = records.lock().expect("no panic").values().map(|it| it.1.clone()).collect();
            values.sort();
            assert_eq!(values, left, "{id}: after {operation} {value}");
        }
    }
}

/// By id: name and content.
type Records = Arc<Mutex<BTreeMap<u64, (String, String)>>>;

/// The made-up service of the templates: one zone, and its records.
fn service(records: Records) -> Router {
    let zones = async |headers: HeaderMap, Query(query): Query<BTreeMap<String, String>>| {
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        let asked = query.get("name").is_none_or(|name| name == "example.org");
        Json(json!({ "zones": if asked { vec![json!({ "id": "z1", "name": "example.org" })] } else { vec![] } }))
    };
    let list = async |State(records): State<Records>, Query(query): Query<BTreeMap<String, String>>| {
        let records = records.lock().expect("no panic");
        let named = records.iter().filter(|(_, (name, _))| query.get("name").is_none_or(|asked| asked == name));
        let shown =
            named.map(|(id, (name, content))| json!({ "id": id.to_string(), "name": name, "content": content }));
        Json(json!({ "records": shown.collect::<Vec<_>>() }))
    };
    let add = async |State(records): State<Records>, Json(body): Json<Value>| {
        let mut records = records.lock().expect("no panic");
        let id = records.keys().last().map_or(1, |last| last + 1);
        let text = |name: &str| body[name].as_str().expect("a text").to_owned();
        records.insert(id, (text("name"), text("content")));
        let record = json!({ "id": id.to_string(), "name": body["name"], "content": body["content"] });
        (StatusCode::CREATED, Json(json!({ "record": record })))
    };
    let remove = async |State(records): State<Records>, UrlPath(id): UrlPath<u64>| {
        let was_there = records.lock().expect("no panic").remove(&id).is_some();
        if was_there { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
    };
    Router::new()
        .route("/v1/zones", get(zones))
        .route("/v1/zones/z1/records", get(list).post(add))
        .route("/v1/zones/z1/records/{id}", delete(remove))
        .with_state(records)
}

/// The program in an author's own environment, which has the language's tools.
#[track_caller]
fn bursar(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder);
    // The tools that the examples were built with, and one place for what
    // cargo compiles, so that a second run is short.
    let tools = workspace().join("target/componentize/dns-digitalocean/venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).expect("a search path"));
    command.env("CARGO_TARGET_DIR", workspace().join("target/new-plugins"));
    let output = command.output().expect("the client runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

const TOKEN: &str = "a-token-of-the-made-up-service";
const LANGUAGES: [&str; 3] = ["rust", "js", "python"];
/// Of a Python interpreter, on a busy machine.
const A_COMPILATION: Duration = Duration::from_mins(5);
