use serde_json::json;

use crate::support::reply::text;
use crate::support::samples::{basic, registry};
use crate::support::{Account, Reply};

/// An update takes the fields of a creation and keeps those it does not name (S2-23).
#[tokio::test]
async fn a_merge_patch_changes_what_it_names() {
    let account = Account::new().await;
    let mut body = registry("ghcr");
    body["labels"] = json!({ "team": "web", "tier": "prod" });
    account.create(body).await;
    let patch = json!({ "title": "T", "labels": { "tier": null, "zone": "eu" }, "data": { "username": "cat" } });
    let changed = account.manager.patch("credentials/ghcr", patch).await.expect(200);
    assert_eq!(changed["title"], "T");
    assert_eq!(changed["labels"], json!({ "team": "web", "zone": "eu" }));
    assert_eq!(changed["data"], json!({ "server": "ghcr.io", "username": "cat" }));
    assert_eq!(changed["version"], 2);
    let secret = account.manager.post("credentials/ghcr/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"], json!({ "password": "s3cret-token" }), "an absent secret keeps its value");
}

#[tokio::test]
async fn both_content_types_of_a_patch_are_taken() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let call = account.manager.call(reqwest::Method::PATCH, "credentials/staging");
    let patch = json!({ "title": "T" }).to_string().into_bytes();
    assert_eq!(call.bytes("application/merge-patch+json", patch).send().await.expect(200)["title"], "T");
}

/// The version counts changes of data; the time of the last update moves with each change (S2-20).
#[tokio::test]
async fn the_version_counts_changes_of_data_alone() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let first = account.manager.get("credentials/staging").await;
    let titled = account.manager.patch("credentials/staging", json!({ "title": "T" })).await;
    assert_eq!(titled.body["version"], 1);
    assert_ne!(titled.etag(), first.etag());
    let updated_at = |reply: &Reply| text(&reply.body["updatedAt"]).parse::<jiff::Timestamp>().expect("a time");
    assert!(updated_at(&titled) > updated_at(&first));
    let same =
        account.manager.patch("credentials/staging", json!({ "title": "T", "data": { "username": "staging" } })).await;
    assert_eq!((same.body["version"].clone(), same.etag()), (json!(1), titled.etag()), "no change is no change");
    assert_eq!(updated_at(&same), updated_at(&titled));
    let rotated = account.manager.patch("credentials/staging", json!({ "data": { "password": "another one" } })).await;
    assert_eq!(rotated.body["version"], 2);
}

/// The type of a credential cannot be changed (S2-22).
#[tokio::test]
async fn what_may_not_change_says_so() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let reply =
        account.manager.patch("credentials/staging", json!({ "type": "container-registry", "default": true })).await;
    assert_eq!(reply.violations(), [("/default", "immutable"), ("/type", "immutable")]);
    let reply = account.manager.patch("credentials/staging", json!({ "data": { "password": null } })).await;
    assert_eq!(reply.violations(), [("/data/password", "required")]);
    let secret = account.manager.post("credentials/staging/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"]["password"], "correct horse", "a refused change changes nothing");
}

/// A rename is an update, and the new name has to be free (S2-23).
#[tokio::test]
async fn renaming_frees_the_old_name_and_respects_taken_ones() {
    let account = Account::new().await;
    account.create(basic("one")).await;
    account.create(basic("two")).await;
    let reply = account.manager.patch("credentials/one", json!({ "name": "two" })).await;
    reply.assert_status(409);
    assert_eq!(reply.errors(), [("/name", "taken")]);
    account.manager.patch("credentials/one", json!({ "name": "three" })).await.expect(200);
    account.manager.get("credentials/one").await.expect(404);
    account.manager.get("credentials/three").await.expect(200);
    account.create(basic("one")).await;
}

/// A writer must not learn a secret by sending it somewhere else.
#[tokio::test]
async fn where_a_secret_goes_changes_only_with_the_secret() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let reply = account.manager.patch("credentials/ghcr", json!({ "data": { "server": "evil.example.com" } })).await;
    assert_eq!(reply.violations(), [("/data/password", "secret-required")]);
    let patch = json!({ "data": { "server": "registry.example.com", "password": "for-the-new-one" } });
    let changed = account.manager.patch("credentials/ghcr", patch).await.expect(200);
    assert_eq!(changed["data"]["server"], "registry.example.com");
}
