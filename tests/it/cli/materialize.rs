//! Files, a Kubernetes Secret, or one artifact on stdout.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::runner::Cli;
use crate::support::Account;

async fn with_registry() -> Cli {
    let account = Account::new().await;
    let data = json!({ "server": "ghcr.io", "username": "octo", "password": "s3cret-token" });
    account.create(json!({ "type": "container-registry", "name": "GHCR_main", "data": data })).await;
    Cli::managing(&account)
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let cli = with_registry().await;
    let folder = cli.home().join("out/deep");
    let out = folder.to_str().expect("a path that is text");
    for _ in 0..2 {
        let ran = cli.run(&["credential", "materialize", "GHCR_main", "--format", "login", "--out", out]).ok();
        assert!(!ran.stdout.contains("s3cret"), "{}", ran.stdout);
    }
    let mode = |path: &Path| std::fs::metadata(path).expect("it was written").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for (name, content) in [("username", "octo"), ("password", "s3cret-token")] {
        let path = folder.join(name);
        assert_eq!(mode(&path), 0o600, "{name}");
        assert_eq!(std::fs::read_to_string(path).expect("text"), content);
    }
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 2);
}

#[tokio::test]
async fn one_artifact_goes_to_stdout_byte_by_byte() {
    let cli = with_registry().await;
    let config = cli.run(&["credential", "materialize", "GHCR_main", "--format", "docker/config.json"]).ok();
    let auth = config.json()["auths"]["ghcr.io"]["auth"].as_str().expect("an entry").to_owned();
    assert_eq!(BASE64_STANDARD.decode(auth).expect("base64"), b"octo:s3cret-token");
    let password = ["credential", "materialize", "GHCR_main", "--format", "login", "--artifact", "password"];
    assert_eq!(cli.run(&password).ok().stdout, "s3cret-token");
    let several = cli.run(&["credential", "materialize", "GHCR_main", "--format", "login"]).code(2);
    assert!(several.stdout.is_empty() && several.stderr.contains("--artifact"), "{}", several.stderr);
    cli.run(&["credential", "materialize", "GHCR_main", "--format", "login", "--artifact", "nothing"]).code(2);
}

#[tokio::test]
async fn a_manifest_is_a_secret_of_the_right_type() {
    let cli = with_registry().await;
    let run = |arguments: &[&str]| -> Value {
        let ran = cli.run(&[&["credential", "materialize", "GHCR_main", "--manifest"], arguments].concat()).ok();
        // As YAML for kubectl; the test reads the same as JSON.
        assert!(ran.stdout.contains("kind: Secret"), "{}", ran.stdout);
        cli.run(&[&["credential", "materialize", "GHCR_main", "--manifest", "--output", "json"], arguments].concat())
            .ok()
            .json()
    };
    let secret = run(&["--namespace", "prod"]);
    assert_eq!((&secret["apiVersion"], &secret["kind"]), (&json!("v1"), &json!("Secret")));
    assert_eq!(secret["metadata"], json!({ "name": "ghcr-main", "namespace": "prod" }));
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let config = secret["data"][".dockerconfigjson"].as_str().expect("the one key");
    let config: Value = serde_json::from_slice(&BASE64_STANDARD.decode(config).expect("base64")).expect("JSON");
    assert_eq!(config["auths"]["ghcr.io"]["username"], "octo");
    let opaque = run(&["--format", "login", "--secret-name", "other"]);
    assert_eq!((&opaque["type"], &opaque["metadata"]["name"]), (&json!("Opaque"), &json!("other")));
    assert_eq!(opaque["data"]["password"], BASE64_STANDARD.encode("s3cret-token"));
    cli.run(&["credential", "materialize", "GHCR_main", "--manifest", "--namespace", "Not A Name"]).code(2);
}

#[tokio::test]
async fn a_format_it_has_not_is_refused() {
    let cli = with_registry().await;
    let refused = cli.run(&["credential", "materialize", "GHCR_main", "--format", "nothing"]).code(1);
    assert_eq!(refused.stdout, "");
}
