//! 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict.

use serde_json::json;

use super::runner::Cli;
use crate::support::server::free_port;
use crate::support::{Account, Server};

#[tokio::test]
async fn each_kind_of_failure_has_its_code() {
    let account = Account::new().await;
    let cli = Cli::managing(&account);
    let create = ["credential", "create", "--type", "basic-auth", "taken", "--data-file", "-"];
    let data = json!({ "username": "octo", "password": "s3cret" }).to_string();
    cli.run_with(&create, &data).code(0);

    let invalid = cli.run_with(&create, "{}").code(1);
    assert!(invalid.stderr.starts_with("error: "), "{}", invalid.stderr);
    assert!(
        invalid.stderr.contains("/data/username") && invalid.stderr.contains("/data/password"),
        "{}",
        invalid.stderr
    );

    for usage in
        [&["credential"][..], &["credential", "show"], &["nothing"], &["credential", "list", "--limit", "many"]]
    {
        let refused = cli.run(usage).code(2);
        assert_eq!(refused.stdout, "", "{usage:?}");
    }
    cli.run(&["credential", "update", "taken"]).code(2);

    for missing in
        [&["credential", "show", "nothing"][..], &["credential", "reveal", "nothing"], &["token", "delete", "nothing"]]
    {
        let refused = cli.run(missing).code(3);
        assert!(refused.stderr.starts_with("error: "), "{missing:?}: {}", refused.stderr);
    }

    let member = Cli::at(&account.server, &account.member).env("BURSAR_ACCOUNT", &account.name);
    member.run(&["credential", "list"]).code(0);
    member.run(&["credential", "reveal", "taken"]).code(4);
    let stranger = Cli::managing(&account).env("BURSAR_TOKEN", "brs_user_nothing");
    let refused = stranger.run(&["credential", "list"]).code(4);
    assert!(refused.stderr.contains("bursar login") && !refused.stderr.contains("brs_"), "{}", refused.stderr);

    cli.run_with(&create, &data).code(5);
    let stale = cli.run(&["credential", "update", "taken", "--title", "New", "--if-match", "1"]).code(5);
    assert_eq!(stale.stdout, "");
}

#[tokio::test]
async fn another_accounts_credential_is_not_found() {
    let (mine, theirs) = tokio::join!(Account::new(), Account::new());
    let data = json!({ "username": "octo", "password": "s3cret" });
    let made = theirs.create(json!({ "type": "basic-auth", "name": "theirs", "data": data })).await;
    let cli = Cli::managing(&mine);
    for name in ["theirs", made["id"].as_str().expect("an id")] {
        cli.run(&["credential", "show", name]).code(3);
        cli.run(&["credential", "reveal", name]).code(3);
    }
    cli.run(&["credential", "list", "--account", &theirs.name]).code(3);
}

#[test]
fn without_a_broker_it_fails_and_says_where_it_looked() {
    let address = format!("http://127.0.0.1:{}", free_port());
    let cli = Cli::bare().env("BURSAR_ADDR", &address).env("BURSAR_TOKEN", "brs_user_x");
    let refused = cli.run(&["credential", "list"]).code(1);
    assert!(refused.stderr.contains(&address), "{}", refused.stderr);
}

#[test]
fn without_a_token_it_says_how_to_get_one() {
    let refused = Cli::bare().run(&["credential", "list"]).code(2);
    assert!(refused.stderr.contains("bursar login"), "{}", refused.stderr);
}

#[tokio::test]
async fn the_address_is_taken_from_the_flag_first() {
    let server = Server::shared().await;
    let wrong = format!("http://127.0.0.1:{}", free_port());
    let cli = Cli::at(&server, &server.operator()).env("BURSAR_ADDR", &wrong);
    cli.run(&["account", "list"]).code(1);
    cli.run(&["--addr", server.base(), "account", "list"]).code(0);
}
