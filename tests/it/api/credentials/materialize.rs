use serde_json::json;

use crate::support::Account;
use crate::support::samples::{artifact, basic, registry, registry_with, tls};

#[tokio::test]
async fn every_format_of_every_built_in_type() {
    let account = Account::new().await;
    account.create(registry("registry")).await;
    account.create(basic("basic")).await;
    account.create(tls("tls")).await;
    for (credential, format, names) in [
        ("registry", "kubernetes.io/dockerconfigjson", vec![".dockerconfigjson"]),
        ("registry", "docker/config.json", vec!["config.json"]),
        ("registry", "containers/auth.json", vec!["auth.json"]),
        ("registry", "login", vec!["password", "username"]),
        ("registry", "env", vec![".env"]),
        ("basic", "nginx/htpasswd", vec!["auth"]),
        ("basic", "kubernetes.io/basic-auth", vec!["password", "username"]),
        ("basic", "login", vec!["password", "username"]),
        ("basic", "env", vec![".env"]),
        ("tls", "kubernetes.io/tls", vec!["tls.crt", "tls.key"]),
        ("tls", "pem", vec!["fullchain.pem", "privkey.pem"]),
        ("tls", "nginx", vec!["fullchain.pem", "privkey.pem", "tls.conf"]),
        ("tls", "haproxy", vec!["haproxy.pem"]),
    ] {
        let path = format!("credentials/{credential}/materialize");
        let reply = account.workload.post(&path, json!({ "format": format })).await.expect(200);
        assert_eq!((&reply["format"], &reply["version"]), (&json!(format), &json!(1)));
        let mut made: Vec<_> = reply["artifacts"]
            .as_array()
            .expect("artifacts")
            .iter()
            .map(|one| one["name"].as_str().expect("a name"))
            .collect();
        made.sort_unstable();
        assert_eq!(made, names, "{format}");
        for one in reply["artifacts"].as_array().expect("artifacts") {
            assert!(one["mediaType"].as_str().is_some_and(|media| media.contains('/')), "{one}");
            assert!(one["sensitive"].is_boolean() && one["encoding"] == "utf-8", "{one}");
        }
    }
}

#[tokio::test]
async fn the_first_format_is_the_default_and_unknown_ones_are_refused() {
    let account = Account::new().await;
    account.create(tls("www")).await;
    let reply = account.manager.post("credentials/www/materialize", json!({})).await.expect(200);
    assert_eq!(reply["format"], "kubernetes.io/tls");
    let reply = account.manager.post("credentials/www/materialize", json!({ "format": "nginx/htpasswd" })).await;
    assert_eq!(reply.violations(), [("/format", "unknown")]);
    let reply = account.manager.post("credentials/www/materialize", json!({ "formats": [] })).await;
    assert_eq!(reply.pointers(), ["/formats"]);
}

#[tokio::test]
async fn one_version_materializes_the_same_each_time() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let make = async || account.manager.post("credentials/staging/materialize", json!({})).await.expect(200);
    let first = make().await;
    assert_eq!(make().await, first, "the salt comes from the version's seed");
    account.manager.patch("credentials/staging", json!({ "data": { "username": "other" } })).await.expect(200);
    account.manager.patch("credentials/staging", json!({ "data": { "username": "staging" } })).await.expect(200);
    assert_ne!(make().await["artifacts"], first["artifacts"], "another version has another salt");
}

/// Each use of a credential is recorded (S4-27).
#[tokio::test]
async fn it_is_recorded_with_format_and_plugin() {
    let account = Account::new().await;
    let created = account.create(basic("staging")).await;
    account.workload.post("credentials/staging/materialize", json!({ "format": "login" })).await.expect(200);
    let trail = account.auditor.all("audit?action=credential.materialize").await;
    assert_eq!(trail.len(), 1);
    let entry = &trail[0];
    assert_eq!((&entry["actor"], &entry["detail"]["format"]), (&json!("workload:workload"), &json!("login")));
    let digest = created["plugin"]["digest"].as_str().expect("a digest");
    assert_eq!(entry["plugin"], format!("basic-auth@{digest}"));
}

/// Docker's own key for its hub, and a path prefix where the format keeps one.
#[tokio::test]
async fn registries_go_under_the_key_their_client_looks_for() {
    let account = Account::new().await;
    let hub = json!({ "email": "octo@example.com", "username": "octo", "password": "dckr_pat_123456" });
    account.create(registry_with("hub", hub)).await;
    account
        .create(registry_with("team", json!({ "server": "ghcr.io/team-a", "username": "octo", "password": "s3cret" })))
        .await;
    let keys = async |name: &str, format: &str, file: &str| {
        let files = account
            .manager
            .post(&format!("credentials/{name}/materialize"), json!({ "format": format }))
            .await
            .expect(200);
        let config: serde_json::Value = serde_json::from_str(artifact(&files, file)).expect("JSON");
        config["auths"].as_object().expect("auths").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys("hub", "docker/config.json", "config.json").await, ["https://index.docker.io/v1/"]);
    assert_eq!(keys("hub", "containers/auth.json", "auth.json").await, ["docker.io"]);
    assert_eq!(keys("team", "containers/auth.json", "auth.json").await, ["ghcr.io/team-a"]);
}
