//! Tables for people, JSON and YAML for programs, and nothing else on stdout.

use serde_json::json;

use super::runner::Cli;
use crate::support::Account;

async fn with_two() -> Cli {
    let account = Account::new().await;
    for name in ["one", "two"] {
        let data = json!({ "username": "octo", "password": "s3cret" });
        account
            .create(json!({ "type": "basic-auth", "name": name, "title": format!("Number {name}"), "data": data }))
            .await;
    }
    Cli::managing(&account)
}

#[tokio::test]
async fn a_list_in_each_format() {
    let cli = with_two().await;
    let table = cli.run(&["credential", "list"]).ok().stdout;
    let mut lines = table.lines();
    let header: Vec<_> = lines.next().expect("a header").split_whitespace().collect();
    assert_eq!(header[..4], ["NAME", "TYPE", "TITLE", "STATUS"], "{table}");
    assert_eq!(lines.filter(|line| line.contains("basic-auth") && line.contains("Number")).count(), 2, "{table}");

    let json = cli.run(&["credential", "list", "--output", "json"]).ok().json();
    assert_eq!(json["items"].as_array().expect("a list").len(), 2);
    let yaml = cli.run(&["credential", "list", "-o", "yaml"]).ok().stdout;
    assert!(yaml.contains("items:") && yaml.contains("name: one") && yaml.contains("title: Number two"), "{yaml}");
    assert_eq!(cli.run(&["credential", "list", "--limit", "1", "--quiet"]).ok().stdout.lines().count(), 1);
}

#[tokio::test]
async fn one_thing_in_each_format() {
    let cli = with_two().await;
    let table = cli.run(&["credential", "show", "one"]).ok().stdout;
    assert!(table.contains("Number one") && table.contains("octo"), "{table}");
    assert_eq!(cli.run(&["credential", "show", "one", "--output", "json"]).ok().json()["title"], "Number one");
    assert!(cli.run(&["credential", "show", "one", "--output", "yaml"]).ok().stdout.contains("title: Number one"));
}

#[tokio::test]
async fn no_colour_without_a_terminal() {
    let cli = with_two().await;
    for arguments in [&["credential", "list"][..], &["credential", "show", "one"], &["credential", "show", "nothing"]] {
        let ran = cli.run(arguments);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
}

#[tokio::test]
async fn what_comes_from_elsewhere_does_not_steer_the_terminal() {
    let account = Account::new().await;
    let data = json!({ "username": "octo", "password": "s3cret" });
    let title = "red\u{1b}[31m and\u{7} loud";
    let made = account
        .manager
        .post("credentials", json!({ "type": "basic-auth", "name": "x", "title": title, "data": data }))
        .await;
    let cli = Cli::managing(&account);
    if made.status == 201 {
        for arguments in [&["credential", "list"][..], &["credential", "show", "x"]] {
            let shown = cli.run(arguments).ok().stdout;
            assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
        }
    } else {
        assert_eq!(made.pointers(), ["/title"]);
    }
}

#[test]
fn help_and_completions_need_no_broker() {
    let cli = Cli::bare();
    let help = cli.run(&["--help"]).ok().stdout;
    for command in
        ["serve", "login", "credential", "region", "binding", "resolve", "token", "audit", "backup", "restore", "rekey"]
    {
        assert!(help.contains(command), "{help}");
    }
    assert!(help.contains("Exit codes"), "{help}");
    assert!(cli.run(&["credential", "create", "--help"]).ok().stdout.contains("Examples"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(cli.run(&["completions", shell]).ok().stdout.contains("bursar"), "{shell}");
    }
    assert!(cli.run(&["--version"]).ok().line().starts_with("bursar "));
}
