//! `Idempotency-Key`: sent twice, created once.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::account::unique;
use crate::support::samples::basic;
use crate::support::{Account, Client, Reply};

async fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Reply {
    client.call(Method::POST, path).header("idempotency-key", key).json(body).send().await
}

#[tokio::test]
async fn a_repeated_request_creates_once() {
    let account = Account::new().await;
    for (client, path, body) in [
        (&account.manager, "credentials", basic("staging")),
        (&account.operator, "/v1/accounts", json!({ "name": unique("a") })),
        (&account.admin, "tokens", json!({ "name": "ci", "role": "member" })),
        (&account.operator, "/v1/tokens", json!({ "name": unique("op") })),
    ] {
        let key = unique("key");
        let first = keyed(client, path, &key, &body).await;
        let again = keyed(client, path, &key, &body).await;
        assert_eq!(first.header("idempotency-replayed"), None);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        let (first, again) = (first.expect(201), again.expect(201));
        assert_eq!(first["id"], again["id"], "{path}");
        assert!(again.get("token").is_none(), "a replay never returns a secret again");
    }
    assert_eq!(account.manager.all("credentials").await.len(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let account = Account::new().await;
    keyed(&account.manager, "credentials", "key", &basic("one")).await.expect(201);
    let reply = keyed(&account.manager, "credentials", "key", &basic("two")).await;
    assert_eq!(reply.violations()[0].1, "idempotency-key-reused");
    // And for one caller: another's key is another key.
    keyed(&account.admin, "credentials", "key", &basic("two")).await.expect(201);
    for bad in ["x".repeat(256), String::new()] {
        keyed(&account.manager, "credentials", &bad, &basic("three")).await.assert_status(422);
    }
}

#[tokio::test]
async fn many_at_once_create_once() {
    let account = Account::new().await;
    let body = basic("staging");
    let replies = join_all((0..40).map(|_| keyed(&account.manager, "credentials", "key", &body))).await;
    let ids: std::collections::BTreeSet<String> =
        replies.into_iter().map(|reply| reply.expect(201)["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    let created = account.auditor.all("audit?action=credential.create").await;
    assert_eq!(created.len(), 1, "one of them is what happened: {created:?}");
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_unused() {
    let account = Account::new().await;
    let mut body = basic("staging");
    body["data"]["password"] = json!(1);
    keyed(&account.manager, "credentials", "key", &body).await.assert_status(422);
    keyed(&account.manager, "credentials", "key", &basic("staging")).await.expect(201);
}

#[tokio::test]
async fn what_it_created_and_is_gone_is_a_conflict() {
    let account = Account::new().await;
    let body = basic("staging");
    keyed(&account.manager, "credentials", "key", &body).await.expect(201);
    account.manager.delete("credentials/staging?purge=true").await.expect(204);
    keyed(&account.manager, "credentials", "key", &body).await.expect(409);
}
