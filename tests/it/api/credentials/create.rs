use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry};

/// A creation answers with everything that was stored and when, except the secret (S0-18, S0-21, S2-10, S2-13, S2-16,
/// S2-19, S2-21, S3-02, S3-10, S3-11, S4-32).
#[tokio::test]
async fn the_answer_is_the_whole_credential_without_its_secret() {
    let account = Account::new().await;
    let mut body = registry("ghcr");
    body["title"] = json!("GitHub packages");
    body["description"] = json!("Read-only");
    body["labels"] = json!({ "team": "web" });
    let reply = account.manager.post("credentials", body).await;
    let location = reply.header("location").expect("a Location").to_owned();
    let etag = reply.etag();
    let created = reply.expect(201);

    assert!(location.ends_with(&format!("/credentials/{}", created["id"].as_str().expect("an id"))), "{location}");
    assert!(etag.starts_with('"') && etag[1..etag.len() - 1].bytes().all(|byte| byte.is_ascii_digit()), "{etag}");
    assert_eq!(account.manager.get(&location).await.expect(200), created);
    for (member, expected) in [
        ("account", json!(account.name)),
        ("type", json!("container-registry")),
        ("category", json!("container-registry")),
        ("name", json!("ghcr")),
        ("title", json!("GitHub packages")),
        ("description", json!("Read-only")),
        ("labels", json!({ "team": "web" })),
        ("default", json!(true)),
        ("revealable", json!(true)),
        ("data", json!({ "server": "ghcr.io", "username": "octo" })),
        ("secretFields", json!(["/password"])),
        ("status", json!("valid")),
        ("warnings", json!([])),
        ("expiresAt", json!(null)),
        ("version", json!(1)),
        ("lastUsedAt", json!(null)),
        ("deletedAt", json!(null)),
        ("sync", json!([])),
        ("selectors", json!([{ "kind": "image-prefix", "value": "ghcr.io" }])),
    ] {
        assert_eq!(created[member], expected, "{member}");
    }
    assert_eq!(created["plugin"]["id"], "container-registry");
    assert!(
        created["plugin"]["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:") && digest.len() == 71)
    );
    let millis = regex_of_time(created["createdAt"].as_str().expect("a time"));
    assert!(millis, "RFC 3339, UTC, milliseconds: {}", created["createdAt"]);
    assert_eq!(created["createdAt"], created["updatedAt"]);
    assert!(!created.to_string().contains("s3cret-token"));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let account = Account::new().await;
    let body = json!({
        "type": "basic-auth", "name": "not a name", "title": 7, "colour": "red", "labels": { "team": 1 }, "default": true,
        "data": { "username": "with:colon", "extra": 1 },
    });
    let reply = account.manager.post("credentials", body).await;
    let pointers = reply.pointers();
    for expected in ["/colour", "/data/extra", "/data/password", "/default", "/labels/team", "/name", "/title"] {
        assert!(pointers.contains(&expected), "{expected} is missing in {pointers:?}");
    }
    assert!(reply.errors().contains(&("/data/password", "required")), "{}", reply.body);
    assert_eq!(account.manager.all("credentials").await.len(), 0);
    let creates = account.auditor.all("audit?action=credential.create").await;
    assert!(creates.iter().all(|entry| entry["outcome"] != "ok"), "{creates:?}");
}

/// Name, type, title and the other fields that every type shares have rules of their own (S0-17, S2-12, S2-14, S3-04,
/// D-2).
#[tokio::test]
async fn the_core_s_own_fields_have_their_rules() {
    let account = Account::new().await;
    let long = |count: usize| json!("x".repeat(count));
    for (member, value, code) in [
        ("name", json!(""), "format"),
        ("name", json!("-a"), "format"),
        ("name", json!("a.b"), "format"),
        ("name", long(101), "format"),
        ("name", json!("0190b5a0-0000-7000-8000-000000000000"), "format"),
        ("name", json!(null), "required"),
        ("type", json!("no-such-type"), "unknown"),
        ("type", json!(null), "required"),
        ("type", json!(1), "type"),
        ("title", long(256), "too-long"),
        ("description", json!([]), "type"),
        ("labels", json!([]), "type"),
        ("default", json!("yes"), "type"),
        ("revealable", json!(0), "type"),
        ("data", json!("text"), "type"),
    ] {
        let mut body = basic("fine");
        body[member] = value.clone();
        let reply = account.manager.post("credentials", body).await;
        assert!(reply.violations().contains(&(&format!("/{member}"), code)), "{member} {value}: {}", reply.body);
    }
    for (member, value) in [("name", long(100)), ("name", json!("A_-9")), ("title", json!("ü".repeat(255)))] {
        let mut body = basic("fine-title");
        body[member] = value;
        account.manager.post("credentials", body).await.expect(201);
    }
    for body in [json!([]), json!("text"), json!(null), json!(7)] {
        assert_eq!(account.manager.post("credentials", body).await.pointers()[0], "");
    }
}

/// A name is unique within its account (S2-12).
#[tokio::test]
async fn a_taken_name_is_a_conflict_at_the_name() {
    let account = Account::new().await;
    account.create(registry("one")).await;
    let reply = account.manager.post("credentials", basic("one")).await;
    reply.assert_status(409);
    assert_eq!(reply.errors(), [("/name", "taken")]);
    // Another account's names are its own.
    Account::new().await.create(registry("one")).await;
}

#[tokio::test]
async fn no_error_repeats_a_secret() {
    let account = Account::new().await;
    let canary = "canary-5f0e-secret";
    for data in [
        json!({ "server": "ghcr.io", "username": "octo", "password": { "deep": canary } }),
        json!({ "server": "ghcr.io", "username": "octo", "password": canary.repeat(2000) }),
        json!({ "provider": "dockerHub", "username": "-bad-", "password": canary }),
        json!({ "server": "gcr.io", "username": "_json_key", "password": canary }),
        json!({ "server": "ghcr.io", "username": "octo", "password": canary, "passwort": canary }),
    ] {
        let reply = account
            .manager
            .post("credentials", json!({ "type": "container-registry", "name": "x", "data": data }))
            .await;
        reply.assert_status(422);
        let shown = String::from_utf8_lossy(&reply.bytes);
        assert!(!shown.contains(canary), "{shown}");
    }
}

/// `2026-01-02T03:04:05.678Z`.
fn regex_of_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    shape == "9999-99-99T99:99:99.999Z"
}
