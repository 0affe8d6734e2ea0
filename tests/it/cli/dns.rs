//! `bursar dns` and probing, as far as they go without a provider.

use serde_json::json;

use super::runner::Cli;
use crate::support::Account;
use crate::support::samples::registry;

const NAME: &str = "_acme-challenge.example.com";

#[tokio::test]
async fn each_refusal_has_its_code_and_names_the_field() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let cli = Cli::managing(&account);
    for what in ["present", "cleanup"] {
        let refused = cli.run(&["dns", what, "ghcr", NAME, "v"]).code(1);
        assert!(refused.stderr.contains("no DNS provider's"), "{}", refused.stderr);
        let refused = cli.run(&["dns", what, "ghcr", "a..b", "\""]).code(1);
        assert!(refused.stderr.contains("/fqdn") && refused.stderr.contains("/value"), "{}", refused.stderr);
        cli.run(&["dns", what, "nothing", NAME, "v"]).code(3);
        cli.run(&["dns", what, "ghcr", NAME]).code(2);
        let member = Cli::at(&account.server, &account.member).env("BURSAR_ACCOUNT", &account.name);
        member.run(&["dns", what, "ghcr", NAME, "v"]).code(4);
    }
    let refused = cli.run(&["dns", "present", "ghcr", NAME, "v", "--ttl", "0"]).code(1);
    assert!(refused.stderr.contains("/ttlSeconds"), "{}", refused.stderr);
    for probe in [&["credential", "probe", "ghcr"][..], &["credential", "probe", "ghcr", "--fqdn", NAME]] {
        let refused = cli.run(probe).code(1);
        assert!(refused.stderr.contains("cannot be probed"), "{}", refused.stderr);
    }
    cli.run(&["credential", "probe", "nothing"]).code(3);
}

#[tokio::test]
async fn lists_print_like_others() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let cli = Cli::managing(&account);
    assert_eq!(cli.run(&["dns", "list", "ghcr"]).ok().stdout, "");
    let page = cli.run(&["dns", "list", "ghcr", "--output", "json"]).ok().json();
    assert_eq!(page, json!({ "items": [], "nextCursor": null }));
    assert!(cli.run(&["dns", "providers", "--output", "json"]).ok().json()["items"].is_array());
    cli.run(&["dns", "providers", "no-such"]).code(3);
}

#[tokio::test]
async fn a_preflight_is_asked_for_by_a_flag() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let cli = Cli::managing(&account);
    let data = json!({ "server": "ghcr.io", "username": "octo", "password": "s3cret" }).to_string();
    let typed = ["--type", "container-registry", "other", "--data-file", "-"];
    for command in ["create", "validate"] {
        let arguments = [&["credential", command][..], &typed, &["--probe"]].concat();
        let refused = cli.run_with(&arguments, &data).code(1);
        assert!(refused.stderr.contains("cannot be probed"), "{}", refused.stderr);
    }
    cli.run(&["credential", "show", "other"]).code(3);
    cli.run(&["credential", "update", "ghcr", "--title", "T", "--probe"]).code(1);
    // Only a whole credential can be tried.
    let nameless = ["credential", "validate", "--type", "container-registry", "--data-file", "-", "--probe"];
    cli.run_with(&nameless, &data).code(2);
}
