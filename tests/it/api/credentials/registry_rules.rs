//! Each provider's rules, as data (S0-19..S0-21, S3-05..S3-07, S4-03..S4-09, D-1).

use serde_json::{Value, json};

use crate::support::Account;
use crate::support::samples::registry_with;

/// Each provider's login is accepted in the form that the provider hands it out (S0-19, S0-20, S2-02, S2-15, S3-05,
/// S3-06, S3-07, S4-03, S4-04, S4-05, S4-06, S4-07, S4-08, S4-09, D-1).
#[tokio::test]
async fn what_each_provider_takes() {
    let account = Account::new().await;
    let key_file = json!({ "type": "service_account", "project_id": "p" }).to_string();
    let ecr = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    // (data, the server as stored, the registry's host)
    let rows: Vec<(Value, &str)> = vec![
        (json!({ "email": "o@example.com", "username": "octo", "password": "dckr_pat_1" }), "docker.io"),
        (
            json!({ "provider": "dockerHub", "email": "o@example.com", "username": "a.b_c-d", "password": "12345678" }),
            "docker.io",
        ),
        (
            json!({ "server": "https://index.docker.io/", "email": "o@example.com", "username": "octo", "password": "dckr_pat_1" }),
            "docker.io",
        ),
        (json!({ "server": "ghcr.io", "username": "octo", "password": "x" }), "ghcr.io"),
        (json!({ "provider": "github", "username": "octo", "password": "ghp_x" }), "ghcr.io"),
        (json!({ "server": "https://GHCR.io/Team-A/", "username": "octo", "password": "x" }), "ghcr.io/Team-A"),
        (json!({ "provider": "gitlab", "username": "deploy-token-1", "password": "gldt-x" }), "registry.gitlab.com"),
        (json!({ "provider": "digitalOcean", "username": "dop", "password": "dop_v1_x" }), "registry.digitalocean.com"),
        (json!({ "provider": "quay", "username": "org+robot", "password": "x" }), "quay.io"),
        (json!({ "provider": "ecr", "server": ecr, "username": "AWS", "password": "eyJw" }), ecr),
        (json!({ "server": ecr, "username": "AWS", "password": "eyJw" }), ecr),
        (
            json!({ "provider": "acr", "server": "teamreg.azurecr.io", "username": "00000000-0000-4000-8000-000000000000", "password": "x" }),
            "teamreg.azurecr.io",
        ),
        (
            json!({ "provider": "gcr", "server": "europe-docker.pkg.dev/p/r", "username": "_json_key", "password": key_file }),
            "europe-docker.pkg.dev/p/r",
        ),
        (json!({ "server": "gcr.io", "username": "_json_key", "password": key_file }), "gcr.io"),
        (json!({ "server": "gcr.io", "username": "oauth2accesstoken", "password": "ya29.x" }), "gcr.io"),
        (
            json!({ "provider": "harbor", "server": "harbor.example.com", "username": "robot$project+name", "password": "x" }),
            "harbor.example.com",
        ),
        (
            json!({ "provider": "artifactory", "server": "team.jfrog.io", "username": "ci", "password": "AKCp-x" }),
            "team.jfrog.io",
        ),
        (
            json!({ "provider": "custom", "server": "registry.example.com:5000/team", "username": "u", "password": "x" }),
            "registry.example.com:5000/team",
        ),
        (json!({ "server": "localhost:5000", "username": "u", "password": "x" }), "localhost:5000"),
    ];
    for (number, (data, server)) in rows.into_iter().enumerate() {
        let gave_provider = data.get("provider").is_some();
        let reply = account.manager.post("credentials", registry_with(&format!("r{number}"), data.clone())).await;
        assert_eq!(reply.status, 201, "{data}: {}", reply.body);
        let stored = &reply.body["data"];
        assert_eq!(stored["server"], server, "{data}");
        assert_eq!(stored.get("provider").is_some(), gave_provider, "what was left out stays out: {data}");
        assert_eq!(reply.body["selectors"], json!([{ "kind": "image-prefix", "value": server }]), "{data}");
        assert!(reply.body["attributes"]["provider"].is_string(), "{}", reply.body["attributes"]);
    }
}

/// Each provider's rules hold at that provider and the error names the field (S0-20, S2-15, S3-05, S3-06, S4-04, S4-05,
/// S4-06, S4-08, S4-09, D-1).
#[tokio::test]
async fn what_each_provider_refuses() {
    let account = Account::new().await;
    let rows: Vec<(Value, &[&str])> = vec![
        // S0-20: the e-mail address is Docker Hub's, given or inferred.
        (json!({ "username": "octo", "password": "12345678" }), &["/data/email"]),
        (json!({ "server": "docker.io", "username": "octo", "password": "12345678" }), &["/data/email"]),
        (json!({ "provider": "dockerHub", "username": "octo", "password": "12345678" }), &["/data/email"]),
        (
            json!({ "server": "docker.io", "email": "no address", "username": "octo", "password": "12345678" }),
            &["/data/email"],
        ),
        // S3-05, S3-06 where they hold.
        (json!({ "email": "o@example.com", "username": "-octo", "password": "12345678" }), &["/data/username"]),
        (json!({ "email": "o@example.com", "username": "x".repeat(40), "password": "12345678" }), &["/data/username"]),
        (json!({ "email": "o@example.com", "username": "octo", "password": "1234567" }), &["/data/password"]),
        (json!({ "email": "o@example.com", "username": "octo", "password": "x".repeat(129) }), &["/data/password"]),
        // Required by all.
        (json!({ "server": "ghcr.io" }), &["/data/password", "/data/username"]),
        (json!({ "server": "ghcr.io", "username": "", "password": "" }), &["/data/password", "/data/username"]),
        // S4-05
        (json!({ "provider": "ecr", "username": "AWS", "password": "x" }), &["/data/server"]),
        (
            json!({ "provider": "ecr", "server": "123.dkr.ecr.us-east-1.amazonaws.com", "username": "AWS", "password": "x" }),
            &["/data/server"],
        ),
        (
            json!({ "server": "123456789012.dkr.ecr.us-east-1.amazonaws.com", "username": "aws", "password": "x" }),
            &["/data/username"],
        ),
        // S4-04: a key file is a JSON object, nothing deeper.
        (json!({ "server": "gcr.io", "username": "_json_key", "password": "not json" }), &["/data/password"]),
        (json!({ "server": "gcr.io", "username": "_json_key", "password": "[]" }), &["/data/password"]),
        // S4-06, S4-08, S4-09
        (
            json!({ "provider": "acr", "server": "registry.example.com", "username": "00000000-0000-4000-8000-000000000000", "password": "x" }),
            &["/data/server"],
        ),
        (
            json!({ "provider": "acr", "server": "teamreg.azurecr.io", "username": "u", "password": "x" }),
            &["/data/username"],
        ),
        (json!({ "provider": "harbor", "username": "robot$p+n", "password": "x" }), &["/data/server"]),
        (json!({ "provider": "artifactory", "username": "u", "password": "x" }), &["/data/server"]),
        (json!({ "provider": "custom", "username": "u", "password": "x" }), &["/data/server"]),
        // A server that contradicts the provider.
        (json!({ "provider": "github", "server": "quay.io", "username": "u", "password": "x" }), &["/data/server"]),
        (
            json!({ "provider": "nexus", "server": "nexus.example.com", "username": "u", "password": "x" }),
            &["/data/provider"],
        ),
        (json!({ "server": "not a host", "username": "u", "password": "x" }), &["/data/server"]),
        (json!({ "server": "ghcr.io", "username": "u", "password": "x", "token": "x" }), &["/data/token"]),
    ];
    for (data, expected) in rows {
        let reply = account.manager.post("credentials/validate", registry_with("r", data.clone())).await;
        assert_eq!(reply.pointers(), expected, "{data}: {}", reply.body);
    }
}

/// Not the first error, then the next one: a form shows all of them.
#[tokio::test]
async fn everything_wrong_with_a_hub_login_is_told_at_once() {
    let account = Account::new().await;
    let data = json!({ "username": "-octo-", "password": "short" });
    let reply = account.manager.post("credentials", registry_with("hub", data)).await;
    assert_eq!(reply.pointers(), ["/data/email", "/data/password", "/data/username"], "{}", reply.body);
}
