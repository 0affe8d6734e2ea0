//! A credential type from outside the project is one file: it works in API and
//! command line with no line of the host changed, and the host names no type.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::support::samples::{artifact, credential};
use crate::support::server::{example, workspace};
use crate::support::{Account, Server};

#[tokio::test]
async fn a_type_from_outside_works_in_the_api() {
    let (server, _folder) = with_example().await;
    let account = Account::on(&server).await;
    let type_ = account.manager.get("/v1/credential-types/postgres-login").await.expect(200);
    assert_eq!(type_["schema"]["properties"]["password"]["writeOnly"], true);

    let wrong = credential("postgres-login", "db", json!({ "host": "db.example.com", "port": 0, "username": "app" }));
    let refused = account.manager.post("credentials", wrong).await;
    assert_eq!(refused.pointers(), ["/data/database", "/data/password", "/data/port"]);

    let created = account.create(credential("postgres-login", "db", login())).await;
    assert_eq!(created["data"]["port"], 5432, "its own default is filled in");
    assert_eq!(created["data"].get("password"), None);
    assert_eq!(created["default"], false, "not a type with defaults");

    let secret = account.manager.post("credentials/db/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"]["password"], "p:ss\\word");
    let files =
        account.manager.post("credentials/db/materialize", json!({ "format": "postgres/pgpass" })).await.expect(200);
    assert_eq!(artifact(&files, ".pgpass"), "db.example.com:5432:app:app:p\\:ss\\\\word\n");
}

#[tokio::test]
async fn a_type_from_outside_works_in_the_command_line() {
    let (server, _folder) = with_example().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data.json");
    std::fs::write(&data, login().to_string()).expect("a file");
    let data = data.to_str().expect("a printable path");

    let create = ["credential", "create", "--type", "postgres-login", "db", "--data-file", data];
    success(&server.cli(&create));
    let revealed = success(&server.cli(&["credential", "reveal", "db", "--field", "/password"]));
    assert_eq!(revealed.trim_end(), "p:ss\\word");
    let out = folder.path().join("out");
    let materialize = ["credential", "materialize", "db", "--format", "postgres/pgpass", "--out"];
    success(&server.cli(&[&materialize[..], &[out.to_str().expect("a printable path")]].concat()));
    let pgpass = std::fs::read_to_string(out.join(".pgpass")).expect("the artifact");
    assert_eq!(pgpass, "db.example.com:5432:app:app:p\\:ss\\\\word\n");
}

#[test]
fn the_host_names_no_built_in_type() {
    let ids: Vec<String> = std::fs::read_dir(workspace().join("plugins"))
        .expect("the plugins' folder")
        .filter_map(|entry| std::fs::read_to_string(entry.expect("an entry").path().join("manifest.json")).ok())
        .map(|manifest| {
            let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("a manifest is JSON");
            manifest["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    assert!(ids.len() >= 3, "{ids:?}");
    let mut found = Vec::new();
    for file in rust_files(&workspace().join("host")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        // What follows is unit tests: house style puts them last.
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in shipped.lines().enumerate() {
            let code = !line.trim_start().starts_with("//");
            found.extend(
                ids.iter()
                    .filter(|id| code && line.contains(*id))
                    .map(|id| format!("{}:{}: {id}", file.display(), number + 1)),
            );
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

fn login() -> serde_json::Value {
    json!({ "host": "db.example.com", "database": "app", "username": "app", "password": "p:ss\\word" })
}

async fn with_example() -> (Server, TempDir) {
    let folder = example("postgres-login");
    (Server::builder().plugins(folder.path()).start().await, folder)
}

#[track_caller]
fn success(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("tests" | "benches" | "target") => {}
            _ if path.is_dir() => files.extend(rust_files(&path)),
            _ if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            _ => {}
        }
    }
    files
}
