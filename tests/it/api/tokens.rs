use serde_json::json;

use crate::support::account::unique;
use crate::support::samples::basic;
use crate::support::{Account, Server};

/// A token is shown once and authenticates until it is deleted (S4-31).
#[tokio::test]
async fn a_token_is_told_once() {
    let account = Account::new().await;
    let made = account.admin.post("tokens", json!({ "name": "ci", "role": "credentials-manager" })).await.expect(201);
    let text = made["token"].as_str().expect("its text");
    assert!(text.starts_with("brs_user_"), "secret scanners know it by its prefix");
    assert_eq!(
        (&made["kind"], &made["role"], &made["name"]),
        (&json!("user"), &json!("credentials-manager"), &json!("ci"))
    );
    let listed = account.admin.all("tokens?limit=2").await;
    let found = listed.iter().find(|one| one["id"] == made["id"]).expect("it is listed");
    assert!(found.get("token").is_none() && !json!(listed).to_string().contains("brs_"));
    assert_eq!(found["lastUsedAt"], json!(null));

    let client = account.server.with_token(text).within(&account.name);
    client.get("credentials").await.expect(200);
    let listed = account.admin.all("tokens").await;
    let found = listed.iter().find(|one| one["id"] == made["id"]).expect("it is listed");
    assert!(found["lastUsedAt"].is_string());

    account.admin.delete(&format!("tokens/{}", made["id"].as_str().expect("an id"))).await.expect(204);
    client.get("credentials").await.expect(401);
}

#[tokio::test]
async fn workloads_have_their_own_kind() {
    let account = Account::new().await;
    let made = account.admin.post("tokens", json!({ "name": "pod", "role": "workload" })).await.expect(201);
    assert_eq!(made["kind"], "workload");
    assert!(made["token"].as_str().is_some_and(|text| text.starts_with("brs_workload_")));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let account = Account::new().await;
    let body = json!({ "name": "not a name", "role": "king", "expiresAt": "2020-01-01T00:00:00Z", "colour": 1 });
    let reply = account.admin.post("tokens", body).await;
    assert_eq!(
        reply.violations(),
        [("/colour", "unknown"), ("/expiresAt", "format"), ("/name", "format"), ("/role", "format")]
    );
    assert_eq!(account.admin.post("tokens", json!({ "name": "x" })).await.violations(), [("/role", "required")]);
}

#[tokio::test]
async fn an_expired_token_stops_working() {
    let account = Account::new().await;
    let now = std::time::SystemTime::now() + std::time::Duration::from_secs(3);
    let expires_at = jiff::Timestamp::try_from(now).expect("a time").to_string();
    let client = account.token(json!({ "role": "admin", "expiresAt": expires_at })).await;
    let stopped = async || client.get("/v1/me").await.status == 401;
    assert!(crate::support::server::eventually(std::time::Duration::from_secs(30), stopped).await);
    // Not at once: it worked until then, so other tokens of the account still do.
    account.admin.get("/v1/me").await.expect(200);
}

/// A narrowed token sees nothing beyond what it was narrowed to (S1-18).
#[tokio::test]
async fn a_scope_narrows_by_name_id_and_label() {
    let account = Account::new().await;
    let mut labelled = basic("labelled");
    labelled["labels"] = json!({ "team": "web" });
    account.create(labelled).await;
    let by_id = account.create(basic("by-id")).await["id"].clone();
    account.create(basic("by-name")).await;
    account.create(basic("other")).await;
    for (scope, allowed) in [
        (json!({ "credentials": ["by-name"] }), "by-name"),
        (json!({ "credentials": [by_id] }), "by-id"),
        (json!({ "labels": { "team": "web" } }), "labelled"),
    ] {
        let workload = account.token(json!({ "role": "workload", "scope": scope })).await;
        let manager = account.token(json!({ "role": "credentials-manager", "scope": scope })).await;
        for name in ["labelled", "by-id", "by-name", "other"] {
            let status = if name == allowed { 200 } else { 404 };
            workload.post(&format!("credentials/{name}/materialize"), json!({})).await.expect(status);
            manager.get(&format!("credentials/{name}")).await.expect(status);
            manager.post(&format!("credentials/{name}/reveal"), json!({})).await.expect(status);
        }
        let listed = manager.all("credentials").await;
        assert_eq!(listed.len(), 1, "{listed:?}");
        assert_eq!(listed[0]["name"], allowed);
        manager.post("credentials", basic("more")).await.expect(403);
        let refused = &account.auditor.all("audit?action=credential.create").await[0];
        assert_eq!(refused["outcome"], "denied", "a refusal is recorded too");
    }
}

/// A narrowed writer must not widen itself, by label or by name.
#[tokio::test]
async fn a_narrowed_writer_cannot_reach_beyond_its_scope() {
    let account = Account::new().await;
    account.create(basic("mine")).await;
    account.create(basic("theirs")).await;
    let narrowed = account.token(json!({ "role": "credentials-manager", "scope": { "credentials": ["mine"] } })).await;
    narrowed.patch("credentials/theirs", json!({ "title": "x" })).await.expect(404);
    narrowed.delete("credentials/theirs").await.expect(404);
    let admin = account.token(json!({ "role": "admin", "scope": { "credentials": ["mine"] } })).await;
    admin.post("tokens", json!({ "name": unique("x"), "role": "admin" })).await.expect(403);
    admin.put("members/alice", json!({ "role": "admin" })).await.expect(403);
}

#[tokio::test]
async fn operators_have_tokens_of_their_own() {
    let server = Server::shared().await;
    let operator = server.operator();
    let made = operator.post("/v1/tokens", json!({ "name": unique("op") })).await.expect(201);
    let text = made["token"].as_str().expect("its text");
    assert!(text.starts_with("brs_operator_"));
    let second = server.with_token(text);
    second.get("/v1/plugins").await.expect(200);
    assert_eq!(second.post("/v1/tokens", json!({ "name": "x", "role": "admin" })).await.pointers(), ["/role"]);
    operator.delete(&format!("/v1/tokens/{}", made["id"].as_str().expect("an id"))).await.expect(204);
    second.get("/v1/plugins").await.expect(401);
    assert!(operator.all("/v1/tokens").await.iter().all(|one| one["id"] != made["id"]));
}

/// Only bearer tokens that the broker issued are accepted (S3-03).
#[tokio::test]
async fn what_is_no_token_of_ours_is_refused_alike() {
    // Of its own: refused tokens are counted by address.
    let server = Server::builder().start().await;
    let (most, last) = server.operator_token().split_at(server.operator_token().len() - 1);
    let typo = format!("{most}{}", if last == "x" { "y" } else { "x" });
    let mut details = std::collections::BTreeSet::new();
    for token in [typo.as_str(), "x", "brs_user_x", "brs_operator_0000000000000000000000000000000000000000000000000"] {
        details.insert(server.with_token(token).get("/v1/me").await.expect(401)["detail"].to_string());
    }
    assert_eq!(details.len(), 1, "nothing can be probed: {details:?}");
    server.anonymous().get("/v1/me").await.expect(401);
    let call = server.anonymous().call(reqwest::Method::GET, "/v1/me").header("authorization", "Basic eDp5");
    call.send().await.expect(401);
    // The scheme's name is case-insensitive (RFC 9110, section 11.1).
    let bearer = format!("bearer {}", server.operator_token());
    server.anonymous().call(reqwest::Method::GET, "/v1/me").header("authorization", &bearer).send().await.expect(200);
}
