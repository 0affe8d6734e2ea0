//! A credential's life, command by command.

use serde_json::json;

use super::runner::Cli;
use crate::support::Account;
use crate::support::samples::registry;

#[tokio::test]
async fn a_credentials_life() {
    let cli = Cli::managing(&Account::new().await);
    let token = cli.file("token.txt", "s3cret-token\n");
    let secret = format!("/password={}", token.display());

    let made = cli.run(&[
        "credential",
        "create",
        "--type",
        "container-registry",
        "ghcr",
        "--title",
        "GitHub packages",
        "--description",
        "For CI",
        "--label",
        "team=web",
        "--set",
        "server=ghcr.io",
        "--set",
        "username=octo",
        "--secret-file",
        &secret,
        "--output",
        "json",
    ]);
    let made = made.ok().json();
    assert_eq!(made["data"], json!({ "server": "ghcr.io", "username": "octo" }));
    assert_eq!(
        (&made["title"], &made["description"], &made["labels"], &made["default"]),
        (&json!("GitHub packages"), &json!("For CI"), &json!({ "team": "web" }), &json!(true))
    );
    let id = made["id"].as_str().expect("an id");

    assert!(cli.run(&["credential", "list"]).ok().stdout.contains("GitHub packages"));
    assert_eq!(cli.run(&["credential", "list", "--quiet"]).ok().line(), id);
    for filter in [["--type", "basic-auth"], ["--label", "team=db"], ["--query", "nothing"], ["--slot", "basic-auth"]] {
        assert_eq!(cli.run(&[&["credential", "list", "--quiet"], &filter[..]].concat()).ok().stdout, "", "{filter:?}");
    }
    for filter in
        [["--type", "container-registry"], ["--label", "team=web"], ["--query", "packages"], ["--slot", "image-pull"]]
    {
        assert_eq!(cli.run(&[&["credential", "list", "--quiet"], &filter[..]].concat()).ok().line(), id, "{filter:?}");
    }
    let shown = cli.run(&["credential", "show", "ghcr"]).ok();
    assert!(shown.stdout.contains("ghcr.io") && !shown.stdout.contains("s3cret"), "{}", shown.stdout);

    // Bare, so that it can be piped.
    assert_eq!(cli.run(&["credential", "reveal", "ghcr", "--field", "/password"]).ok().stdout, "s3cret-token");
    assert_eq!(cli.run(&["credential", "reveal", "ghcr", "--field", "password"]).ok().stdout, "s3cret-token");
    let all = cli.run(&["credential", "reveal", "ghcr", "--output", "json"]).ok().json();
    assert_eq!(all["data"], json!({ "password": "s3cret-token" }));

    cli.file("token.txt", "rotated-token");
    let updated =
        cli.run(&["credential", "update", "ghcr", "--secret-file", &secret, "--title", "Rotated", "--output", "json"]);
    let updated = updated.ok().json();
    assert_eq!((&updated["version"], &updated["title"]), (&json!(2), &json!("Rotated")));
    assert_eq!(cli.run(&["credential", "reveal", "ghcr", "--field", "password"]).ok().stdout, "rotated-token");

    let versions = cli.run(&["credential", "versions", "ghcr", "--output", "json"]).ok().json();
    let versions = versions["items"].as_array().expect("a list");
    assert_eq!(versions.len(), 2);
    assert!(versions.iter().any(|version| version["changed"] == json!(["/password"]) && version["current"] == true));
    cli.run(&["credential", "rollback", "ghcr", "1"]).ok();
    assert_eq!(cli.run(&["credential", "reveal", "ghcr", "--field", "password"]).ok().stdout, "s3cret-token");

    cli.run(&["credential", "delete", "ghcr"]).ok();
    cli.run(&["credential", "show", "ghcr"]).code(3);
    assert_eq!(cli.run(&["credential", "list", "--deleted", "--quiet"]).ok().line(), id);
    cli.run(&["credential", "restore", id]).ok();
    cli.run(&["credential", "show", "ghcr"]).ok();
    cli.run(&["credential", "delete", "ghcr", "--purge", "--yes"]).ok();
    cli.run(&["credential", "restore", id]).code(3);
    assert_eq!(cli.run(&["credential", "list", "--deleted", "--quiet"]).ok().stdout, "");
}

/// `set-default` makes another login the default (S0-22).
#[tokio::test]
async fn the_default_moves() {
    let cli = Cli::managing(&Account::new().await);
    for name in ["first", "second"] {
        let data = json!({ "server": "ghcr.io", "username": "octo", "password": "s3cret" }).to_string();
        let create = ["credential", "create", "--type", "container-registry", name, "--data-file", "-"];
        cli.run_with(&create, &data).ok();
    }
    let default = || {
        let list = cli.run(&["credential", "list", "--output", "json"]).ok().json();
        let items = list["items"].as_array().expect("a list").clone();
        let defaults: Vec<_> =
            items.iter().filter(|item| item["default"] == true).map(|item| item["name"].clone()).collect();
        defaults
    };
    assert_eq!(default(), [json!("first")]);
    cli.run(&["credential", "set-default", "second"]).ok();
    assert_eq!(default(), [json!("second")]);
}

#[tokio::test]
async fn what_there_is_to_create() {
    let cli = Cli::managing(&Account::new().await);
    let types = cli.run(&["credential", "types", "--quiet"]).ok().stdout;
    for id in ["basic-auth", "container-registry", "tls-certificate"] {
        assert!(types.lines().any(|line| line == id), "{types}");
        let one = cli.run(&["credential", "types", id, "--output", "json"]).ok().json();
        assert_eq!(one["schema"]["type"], "object", "{id}");
    }
    let github = cli.run(&["credential", "template", "container-registry", "--variant", "github", "--output", "json"]);
    assert_eq!(github.ok().json()["server"], "ghcr.io");
    cli.run(&["credential", "template", "container-registry", "--variant", "nobody"]).code(1);
    cli.run(&["credential", "types", "nothing"]).code(3);
}

#[tokio::test]
async fn validating_stores_nothing() {
    let cli = Cli::managing(&Account::new().await);
    let data = json!({ "username": "octo", "password": "s3cret" }).to_string();
    let validate = ["credential", "validate", "--type", "basic-auth", "--data-file", "-"];
    assert_eq!(cli.run_with(&validate, &data).ok().line(), "valid");
    let refused = cli.run_with(&validate, &json!({ "username": "a:b", "colour": "red" }).to_string()).code(1);
    for pointer in ["/data/username", "/data/password", "/data/colour"] {
        assert!(refused.stderr.contains(pointer), "{}", refused.stderr);
    }
    assert_eq!(cli.run(&["credential", "list", "--quiet"]).ok().stdout, "");
}

#[tokio::test]
async fn one_made_not_revealable_stays_so() {
    let cli = Cli::managing(&Account::new().await);
    let data = json!({ "username": "octo", "password": "s3cret" }).to_string();
    let create = ["credential", "create", "--type", "basic-auth", "locked", "--no-reveal", "--data-file", "-"];
    cli.run_with(&create, &data).ok();
    let refused = cli.run(&["credential", "reveal", "locked", "--field", "password"]).code(4);
    assert_eq!(refused.stdout, "");
    cli.run(&["credential", "materialize", "locked", "--format", "login", "--artifact", "password"]).ok();
}

/// S2-08, S4-26.
#[tokio::test]
async fn what_is_in_use_is_deleted_only_by_force() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    account.member.put("bindings/app:web/image-pull", json!({ "credential": "ghcr" })).await.expect(200);
    let cli = Cli::managing(&account);
    let refused = cli.run(&["credential", "delete", "ghcr"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    for told in ["in use by binding app:web (image-pull)", "bind them to another one first, or delete by force"] {
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
    let updated = cli.run(&["credential", "update", "ghcr", "--title", "T"]).ok();
    assert!(updated.stderr.contains("Deleting it breaks authentication for 1 consumer"), "{}", updated.stderr);
    cli.run(&["credential", "delete", "ghcr", "--force"]).ok();
}
