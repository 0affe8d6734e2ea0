use serde_json::{Value, json};

use crate::support::Account;
use crate::support::pki::{P256, Workshop};
use crate::support::samples::{artifact, registry, registry_with, tls_with};

fn server(name: &str, server: &str) -> Value {
    registry_with(name, json!({ "server": server, "username": "octo", "password": "s3cret-token" }))
}

/// S0-22, S0-23, S0-24, S0-25, S0-42.
#[tokio::test]
async fn an_app_gets_what_it_chose_or_the_default() {
    let account = Account::new().await;
    account.create(registry("first")).await;
    account.create(registry("second")).await;
    let pull = async |consumer: &str| {
        let body = json!({ "consumer": consumer, "slot": "image-pull", "format": "login" });
        let answer = account.workload.post("resolve", body).await.expect(200);
        assert_eq!(artifact(&answer, "password"), "s3cret-token");
        (answer["credential"]["name"].clone(), answer["source"].clone())
    };
    assert_eq!(pull("app:web").await, (json!("first"), json!("default")));
    account.member.put("bindings/app:web/image-pull", json!({ "credential": "second" })).await.expect(200);
    assert_eq!(pull("app:web").await, (json!("second"), json!("binding")));
    assert_eq!(pull("app:other").await, (json!("first"), json!("default")));
    account.manager.act("credentials/second/set-default").await.expect(200);
    assert_eq!(pull("app:other").await, (json!("second"), json!("default")));

    let trail = account.auditor.all("audit?action=credential.resolve").await;
    assert_eq!(trail.len(), 4, "one record each");
    assert_eq!(account.auditor.all("audit?action=credential.materialize").await.len(), 0);
    let nothing = account.workload.post("resolve", json!({ "consumer": "app:web", "slot": "basic-auth" })).await;
    let detail = nothing.expect(404)["detail"].clone();
    assert!(detail.as_str().is_some_and(|text| text.contains("bindings/app:web/basic-auth")), "{detail}");
}

/// A consumer that resolves gets the new secret at once (S0-05, S4-25).
#[tokio::test]
async fn a_rotated_secret_is_what_is_resolved() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    account.manager.patch("credentials/ghcr", json!({ "data": { "password": "rotated" } })).await.expect(200);
    let body = json!({ "consumer": "app:web", "slot": "build-pull", "format": "login" });
    let answer = account.workload.post("resolve", body).await.expect(200);
    assert_eq!((artifact(&answer, "password"), &answer["credential"]["version"]), ("rotated", &json!(2)));
}

#[tokio::test]
async fn a_token_of_a_consumer_gets_its_own_and_nothing_else() {
    let account = Account::new().await;
    for name in ["default", "web", "db"] {
        account.create(registry(name)).await;
    }
    account.member.put("bindings/app:web/image-pull", json!({ "credential": "web" })).await.expect(200);
    let client = account.token(json!({ "role": "workload", "scope": { "consumers": ["app:web"] } })).await;
    let pull = |consumer: &str| json!({ "consumer": consumer, "slot": "image-pull" });
    assert_eq!(client.post("resolve", pull("app:web")).await.expect(200)["credential"]["name"], "web");
    client.post("resolve", pull("app:db")).await.expect(403);
    client.post("credentials/web/materialize", json!({})).await.expect(200);
    client.post("credentials/db/materialize", json!({})).await.expect(404);
    client.post("credentials/default/materialize", json!({})).await.expect(404);
    account.member.delete("bindings/app:web/image-pull").await.expect(204);
    client.post("credentials/web/materialize", json!({})).await.expect(404);
    assert_eq!(client.post("resolve", pull("app:web")).await.expect(200)["source"], "default");
}

/// An image gets the login with the longest matching prefix (S3-01, D-5).
#[tokio::test]
async fn an_image_is_pulled_with_the_closest_registry() {
    let account = Account::new().await;
    let hub = json!({ "email": "a@b.c", "username": "ann", "password": "s3cret-token" });
    account.create(registry_with("hub", hub)).await;
    for (name, at) in [("ghcr", "ghcr.io"), ("team", "ghcr.io/team-a"), ("port", "registry.example.com:5000/team")] {
        account.create(server(name, at)).await;
    }
    let digest = format!("registry.example.com:5000/team/app@sha256:{}", "0a".repeat(32));
    for (image, name) in [
        ("nginx", "hub"),
        ("library/nginx:1", "hub"),
        ("index.docker.io/acme/app", "hub"),
        ("ghcr.io/org/app:1", "ghcr"),
        ("ghcr.io/team-a/app:1", "team"),
        ("ghcr.io/team-ab/app:1", "ghcr"),
        (digest.as_str(), "port"),
    ] {
        let answer = account.workload.post("resolve-image", json!({ "image": image })).await.expect(200);
        assert_eq!((&answer["credential"]["name"], &answer["source"]), (&json!(name), &json!("image")), "{image}");
    }
    for image in ["registry.example.com/team/app", "evil.example/nginx"] {
        account.workload.post("resolve-image", json!({ "image": image })).await.expect(404);
    }
    let body = json!({ "image": "ghcr.io/org/app", "format": "kubernetes.io/dockerconfigjson" });
    let answer = account.workload.post("resolve-image", body).await.expect(200);
    assert!(artifact(&answer, ".dockerconfigjson").contains("ghcr.io"));
    assert_eq!(answer["selector"], json!({ "kind": "image-prefix", "value": "ghcr.io" }));
}

/// S0-43, S0-44.
#[tokio::test]
async fn certificates_are_found_by_host() {
    let account = Account::new().await;
    let workshop = Workshop::new();
    let key = workshop.key(P256);
    for (name, names) in
        [("wild", "DNS:*.example.com"), ("api", "DNS:API.example.com,DNS:example.com"), ("address", "IP:192.0.2.1")]
    {
        account.create(tls_with(name, &workshop.self_signed(&key, "/CN=x", names))).await;
    }
    for (host, expected) in [
        ("api.example.com", json!(["api", "wild"])),
        ("www.example.com.", json!(["wild"])),
        ("a.b.example.com", json!([])),
        ("EXAMPLE.com", json!(["api"])),
        ("192.0.2.1", json!(["address"])),
        ("192.0.2.2", json!([])),
    ] {
        for client in [&account.manager, &account.member] {
            let found = client.all(&format!("certificates?host={host}&limit=1")).await;
            let names: Vec<_> = found.iter().map(|item| item["name"].clone()).collect();
            assert_eq!(json!(names), expected, "{host}");
        }
    }
    assert_eq!(account.member.get("certificates?host=a..b").await.violations(), [("?host", "format")]);
}
