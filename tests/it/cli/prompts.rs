//! At a terminal the form is asked for, secrets masked.

use serde_json::json;

use super::runner::Cli;
use super::terminal::Terminal;
use crate::support::samples::registry;
use crate::support::{Account, Server};

#[tokio::test]
async fn a_missing_secret_is_asked_for_and_not_shown() {
    let cli = Cli::managing(&Account::new().await);
    let arguments = ["credential", "create", "--type", "basic-auth", "asked", "--set", "username=octo"];
    let mut terminal = Terminal::run(&cli, &arguments);
    terminal.expect("Password").expect(": ").enter("typed-s3cret");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("typed-s3cret"), "{screen}");
    assert_eq!(cli.run(&["credential", "reveal", "asked", "--field", "password"]).ok().stdout, "typed-s3cret");
}

#[tokio::test]
async fn the_whole_form_is_asked_and_a_refused_field_again() {
    let cli = Cli::managing(&Account::new().await);
    let mut terminal = Terminal::run(&cli, &["credential", "create", "--type", "basic-auth", "asked"]);
    terminal.expect("User").enter("with:colon");
    terminal.expect("Password").expect(": ").enter("typed-s3cret");
    // The broker refuses the colon; only that field is asked for again.
    terminal.expect("User").expect("User").enter("octo");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("typed-s3cret"), "{screen}");
    let shown = cli.run(&["credential", "show", "asked", "--output", "json"]).ok().json();
    assert_eq!(shown["data"], json!({ "username": "octo" }));
}

#[tokio::test]
async fn without_input_nothing_is_asked() {
    let cli = Cli::managing(&Account::new().await);
    let terminal = Terminal::run(&cli, &["credential", "create", "--type", "basic-auth", "x", "--no-input"]);
    let (code, screen) = terminal.end();
    assert_eq!(code, 1, "{screen}");
    assert!(screen.contains("/data/password"), "{screen}");
}

#[tokio::test]
async fn a_secret_is_rotated_by_prompt() {
    let account = Account::new().await;
    let data = json!({ "username": "octo", "password": "before" });
    account.create(json!({ "type": "basic-auth", "name": "x", "data": data })).await;
    let cli = Cli::managing(&account);
    let mut terminal = Terminal::run(&cli, &["credential", "update", "x", "--prompt", "password"]);
    terminal.expect("assword").expect(": ").enter("typed-after");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("typed-after"), "{screen}");
    assert_eq!(cli.run(&["credential", "reveal", "x", "--field", "password"]).ok().stdout, "typed-after");
}

/// S0-24: the default is not deleted from under those who fall back to it.
#[tokio::test]
async fn before_a_default_is_deleted_it_is_asked() {
    let account = Account::new().await;
    account.create(registry("first")).await;
    account.create(registry("second")).await;
    let cli = Cli::managing(&account);
    let mut terminal = Terminal::run(&cli, &["credential", "delete", "first"]);
    terminal.expect("falls back to it").expect("Delete first all the same").enter("n");
    let (code, screen) = terminal.end();
    assert_eq!(code, 1, "{screen}");
    cli.run(&["credential", "show", "first"]).ok();
    // Who cannot be asked, or would not be, says so beforehand.
    cli.run(&["credential", "delete", "first"]).code(5);
    let (code, screen) = Terminal::run(&cli, &["credential", "delete", "first", "--yes"]).end();
    assert_eq!(code, 5, "{screen}");
    let mut terminal = Terminal::run(&cli, &["credential", "delete", "first"]);
    terminal.expect("Delete first all the same").enter("y");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    cli.run(&["credential", "show", "first"]).code(3);
    account.manager.act("credentials/second/set-default").await.expect(200);
    account.create(registry("third")).await;
    cli.run(&["credential", "delete", "second", "--force"]).ok();
}

#[tokio::test]
async fn a_login_is_remembered_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::shared().await;
    let cli = Cli::bare();
    let mut terminal = Terminal::run(&cli, &["login", "--addr", server.base()]);
    terminal.expect("Token for").expect(": ").enter(server.operator_token());
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains(server.operator_token()), "{screen}");
    let profile = cli.home().join(".config/bursar/profile.toml");
    let mode = std::fs::metadata(&profile).expect("the profile").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    cli.run(&["account", "list"]).ok();

    // Others could read it: it is refused.
    std::fs::set_permissions(&profile, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    cli.run(&["account", "list"]).code(2);
}

#[tokio::test]
async fn a_login_with_a_wrong_token_is_not_kept() {
    let server = Server::shared().await;
    let cli = Cli::bare();
    cli.run_with(&["login", "--addr", server.base(), "--token-file", "-"], "brs_user_wrong\n").code(4);
    assert!(!cli.home().join(".config/bursar/profile.toml").exists());
    cli.run_with(&["login", "--addr", server.base(), "--token-file", "-"], server.operator_token()).ok();
    cli.run(&["account", "list"]).ok();
}

#[tokio::test]
async fn colour_is_for_terminals_that_want_it() {
    let account = Account::new().await;
    let data = json!({ "username": "octo", "password": "s3cret" });
    account.create(json!({ "type": "basic-auth", "name": "x", "data": data })).await;
    let bold = "\u{1b}[1m";
    let (_, screen) = Terminal::run(&Cli::managing(&account), &["credential", "list"]).end();
    assert!(screen.contains(bold), "{screen:?}");
    let (_, screen) = Terminal::run(&Cli::managing(&account).env("NO_COLOR", "1"), &["credential", "list"]).end();
    assert!(screen.contains("basic-auth") && !screen.contains(bold), "{screen:?}");
}
