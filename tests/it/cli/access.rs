//! Accounts, members, tokens and plugins.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::runner::Cli;
use crate::support::account::unique;
use crate::support::{Account, Server};

#[tokio::test]
async fn an_accounts_life() {
    let server = Server::shared().await;
    let cli = Cli::at(&server, &server.operator());
    let (name, renamed) = (unique("a"), unique("b"));
    let id = cli.run(&["account", "create", &name, "--title", "A team", "--quiet"]).ok().line().to_owned();
    cli.run(&["account", "create", &name]).code(5);
    assert!(cli.run(&["account", "list"]).ok().stdout.contains(&name));
    assert_eq!(cli.run(&["account", "show", &id, "--output", "json"]).ok().json()["title"], "A team");
    cli.run(&["account", "update", &name, "--title", "Another", "--name", &renamed]).ok();
    cli.run(&["account", "show", &name]).code(3);
    let shown = cli.run(&["account", "show", &renamed, "--output", "json"]).ok().json();
    assert_eq!((&shown["id"], &shown["title"]), (&json!(id), &json!("Another")));

    let data = json!({ "username": "octo", "password": "s3cret" }).to_string();
    let create = ["credential", "create", "--account", &renamed, "--type", "basic-auth", "x", "--data-file", "-"];
    cli.run_with(&create, &data).ok();
    cli.run(&["account", "delete", &renamed]).code(5);
    cli.run(&["credential", "delete", "x", "--account", &renamed, "--purge", "--yes"]).ok();
    cli.run(&["account", "delete", &renamed]).ok();
    cli.run(&["account", "show", &renamed]).code(3);
}

#[tokio::test]
async fn a_members_rights_follow_the_membership() {
    let account = Account::new().await;
    let admin = Cli::at(&account.server, &account.admin).env("BURSAR_ACCOUNT", &account.name);
    admin.run(&["member", "put", "alice", "--role", "credentials-manager"]).ok();
    assert!(admin.run(&["member", "list"]).ok().stdout.contains("alice"));
    let file = admin.home().join("alice.token");
    let out = file.to_str().expect("a path that is text");
    let create = ["token", "create", "alice-laptop", "--principal", "alice", "--out", out];
    let made = admin.run(&create).ok();
    let token = std::fs::read_to_string(&file).expect("the token's file").trim().to_owned();
    assert!(!made.stdout.contains(&token) && !made.stderr.contains(&token), "{made:?}");
    assert_eq!(std::fs::metadata(&file).expect("the token's file").permissions().mode() & 0o777, 0o600);
    admin.run(&create).code(5);

    let alice = Cli::managing(&account).env("BURSAR_TOKEN", &token);
    let data = json!({ "username": "octo", "password": "s3cret" }).to_string();
    alice.run_with(&["credential", "create", "--type", "basic-auth", "x", "--data-file", "-"], &data).ok();
    admin.run(&["member", "put", "alice", "--role", "member"]).ok();
    alice.run(&["credential", "reveal", "x"]).code(4);
    admin.run(&["member", "delete", "alice"]).ok();
    assert_ne!(alice.run(&["credential", "list"]).code, 0);
}

#[tokio::test]
async fn a_token_is_shown_once_and_ends() {
    let account = Account::new().await;
    let admin = Cli::at(&account.server, &account.admin).env("BURSAR_ACCOUNT", &account.name);
    let made = admin
        .run(&["token", "create", "ci", "--role", "workload", "--expires-in", "30d", "--output", "json"])
        .ok()
        .json();
    let token = made["token"].as_str().expect("the token's text");
    assert_eq!((&made["kind"], &made["role"]), (&json!("workload"), &json!("workload")));
    assert!(made["expiresAt"].is_string());
    let listed = admin.run(&["token", "list", "--output", "json"]).ok().stdout;
    assert!(listed.contains("\"ci\"") && !listed.contains(token), "{listed}");
    let ci = Cli::managing(&account).env("BURSAR_TOKEN", token);
    ci.run(&["credential", "create", "--type", "basic-auth", "x", "--set", "username=x"]).code(4);
    admin.run(&["token", "delete", made["id"].as_str().expect("an id")]).ok();
    ci.run(&["credential", "list"]).code(4);
    admin.run(&["token", "create", "quiet", "--role", "admin", "--quiet"]).code(2);
}

#[tokio::test]
async fn a_token_may_come_from_a_file() {
    let account = Account::new().await;
    let cli = Cli::managing(&account).env("BURSAR_TOKEN", "");
    let file = cli.file("token", format!("{}\n", account.manager.token()));
    let path = file.to_str().expect("a path that is text");
    cli.run(&["credential", "list"]).code(2);
    cli.run(&["credential", "list", "--token-file", path]).ok();
    cli.run_with(&["credential", "list", "--token-file", "-"], account.manager.token()).ok();
    cli.env("BURSAR_TOKEN_FILE", path).run(&["credential", "list"]).ok();
}

#[tokio::test]
async fn plugins_are_the_operators_to_see() {
    let account = Account::new().await;
    let operator = Cli::at(&account.server, &account.operator);
    let plugins = operator.run(&["plugin", "list"]).ok().stdout;
    assert!(plugins.contains("container-registry") && plugins.contains("active"), "{plugins}");
    let one = operator.run(&["plugin", "show", "basic-auth", "--output", "json"]).ok().json();
    assert_eq!((&one["kind"], &one["source"]), (&json!("credential-type"), &json!("built-in")));
    Cli::managing(&account).run(&["plugin", "list"]).code(4);
}
