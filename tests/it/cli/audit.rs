//! Reading the trail, and holding a broker to it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::runner::Cli;
use crate::support::{Account, Server};

#[tokio::test]
async fn the_trail_of_a_credential() {
    let account = Account::new().await;
    let data = json!({ "username": "octo", "password": "s3cret" });
    let made = account.create(json!({ "type": "basic-auth", "name": "x", "data": data })).await;
    let id = made["id"].as_str().expect("an id");
    let cli = Cli::managing(&account);
    cli.run(&["credential", "reveal", "x"]).ok();
    cli.run(&["credential", "delete", "x"]).ok();

    let auditor = Cli::at(&account.server, &account.auditor).env("BURSAR_ACCOUNT", &account.name);
    let tail = auditor.run(&["audit", "tail", "--credential", id]).ok().stdout;
    let actions: Vec<_> = tail
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.contains('.') && word.starts_with("cred")))
        .collect();
    assert_eq!(actions, ["credential.create", "credential.reveal", "credential.delete"], "{tail}");
    let one = auditor.run(&["audit", "tail", "-n", "1", "--output", "json"]).ok().json();
    assert_eq!(one["items"].as_array().expect("a list").len(), 1);

    let out = auditor.home().join("trail.ndjson");
    auditor.run(&["audit", "export", "--credential", id, "--out", out.to_str().expect("text")]).ok();
    assert_eq!(std::fs::metadata(&out).expect("the export").permissions().mode() & 0o777, 0o600);
    let lines: Vec<Value> = std::fs::read_to_string(&out)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line["credential"] == id && line["outcome"] == "ok"));
    let reveals = auditor.run(&["audit", "export", "--action", "credential.reveal"]).ok().stdout;
    assert_eq!(reveals.lines().count(), 1);
    assert!(!reveals.contains("s3cret"));
    auditor.run(&["audit", "export", "--all"]).code(4);
}

#[tokio::test]
async fn a_running_broker_verifies_and_signs() {
    let server = Server::shared().await;
    let cli = Cli::at(&server, &server.operator());
    let said = cli.run(&["audit", "verify"]).ok().stdout;
    assert!(said.contains("everything holds"), "{said}");
    let witness = cli.home().join("checkpoint.json");
    let witness = witness.to_str().expect("text");
    cli.run(&["audit", "checkpoint", "--out", witness]).ok();
    cli.run(&["account", "create", &crate::support::account::unique("after")]).ok();
    cli.run(&["audit", "verify", "--checkpoint", witness]).ok();

    let text = std::fs::read_to_string(witness).expect("the checkpoint");
    let mut forged: Value = serde_json::from_str(&text).expect("JSON");
    let seq = forged["seq"].as_u64().expect("a sequence number");
    forged["seq"] = json!(seq - 1);
    let forged = cli.file("forged.json", forged.to_string());
    assert_ne!(cli.run(&["audit", "verify", "--checkpoint", forged.to_str().expect("text")]).code, 0);
}

/// Only a witness kept elsewhere shows that the whole file was rolled back.
#[tokio::test]
async fn a_rollback_of_everything_is_found_by_a_witness() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data_dir, earlier) = (folder.path().join("data"), folder.path().join("earlier"));
    let server = Server::builder().data_dir(&data_dir).start().await;
    crate::crash::stop(server).await;
    crate::crash::copy_folder(&data_dir, &earlier);
    let server = Server::builder().data_dir(&data_dir).start().await;
    let cli = Cli::at(&server, &server.operator());
    cli.run(&["account", "create", "later"]).ok();
    cli.run(&["audit", "checkpoint", "--out", "witness.json"]).ok();
    crate::crash::stop(server).await;

    let offline = |folder: &std::path::Path, more: &[&str]| {
        let folder = folder.to_str().expect("text");
        cli.run(&[&["audit", "verify", "--data-dir", folder], more].concat())
    };
    offline(&data_dir, &["--checkpoint", "witness.json"]).ok();
    offline(&earlier, &[]).ok();
    offline(&earlier, &["--checkpoint", "witness.json"]).code(1);
}
