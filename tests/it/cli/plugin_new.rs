//! A plugin from nothing, in each language: a folder, a component, a type in use.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::runner::Cli;
use crate::support::samples::{artifact, credential};
use crate::support::server::{binary, eventually, workspace};
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

const LANGUAGES: [&str; 3] = ["rust", "js", "python"];
/// Of a Python interpreter, on a busy machine.
const A_COMPILATION: Duration = Duration::from_mins(5);
