use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry};

/// A deleted credential is kept, marked as deleted, and can be restored (S2-17).
#[tokio::test]
async fn deletion_is_soft_and_can_be_undone() {
    let account = Account::new().await;
    let id = id_of(&account.create(basic("staging")).await);
    account.manager.delete("credentials/staging").await.expect(204);
    account.manager.get("credentials/staging").await.expect(404);
    let deleted = account.manager.get(&format!("credentials/{id}")).await.expect(200);
    assert!(deleted["deletedAt"].is_string());
    account.manager.delete(&format!("credentials/{id}")).await.expect(404);

    // What is deleted is neither used nor changed.
    account.manager.post(&format!("credentials/{id}/reveal"), json!({})).await.expect(409);
    account.manager.post(&format!("credentials/{id}/materialize"), json!({})).await.expect(409);
    account.manager.patch(&format!("credentials/{id}"), json!({ "title": "T" })).await.expect(409);

    let restored = account.manager.act(&format!("credentials/{id}/restore")).await.expect(200);
    assert_eq!((&restored["deletedAt"], &restored["name"]), (&json!(null), &json!("staging")));
    account.manager.act(&format!("credentials/{id}/restore")).await.expect(409);
    let secret = account.manager.post("credentials/staging/reveal", json!({})).await.expect(200);
    assert_eq!(secret["data"]["password"], "correct horse");
}

#[tokio::test]
async fn a_name_is_free_after_deletion_and_then_in_the_way_of_a_restore() {
    let account = Account::new().await;
    let id = id_of(&account.create(basic("staging")).await);
    account.manager.delete("credentials/staging").await.expect(204);
    account.create(registry("staging")).await;
    let reply = account.manager.act(&format!("credentials/{id}/restore")).await;
    reply.assert_status(409);
    assert_eq!(reply.errors(), [("/name", "taken")]);
}

/// S0-24.
#[tokio::test]
async fn a_deleted_default_leaves_its_place_to_nobody_who_did_not_ask() {
    let account = Account::new().await;
    let id = id_of(&account.create(registry("first")).await);
    account.manager.delete("credentials/first").await.expect(204);
    let second = account.create(registry("second")).await;
    assert_eq!(second["default"], true, "it is the only live one");
    let restored = account.manager.act(&format!("credentials/{id}/restore")).await.expect(200);
    assert_eq!(restored["default"], false, "the place was taken meanwhile");
    let refused = account.manager.delete("credentials/second").await.expect(409);
    let conflict = &refused["conflicts"][0];
    assert_eq!((&conflict["kind"], &conflict["id"]), (&json!("default"), &json!("container-registry")));
    account.manager.get(conflict["url"].as_str().expect("a path")).await.expect(200);
    account.manager.delete("credentials/second?force=true").await.expect(204);
    assert_eq!(account.create(registry("third")).await["default"], false, "whoever falls back must choose it");
    let pull = json!({ "consumer": "app:web", "slot": "image-pull" });
    account.workload.post("resolve", pull.clone()).await.expect(404);
    let restored = account.manager.act(&format!("credentials/{}/restore", id_of(&second))).await.expect(200);
    assert_eq!(restored["default"], true, "there is none since");
    assert_eq!(account.workload.post("resolve", pull).await.expect(200)["source"], "default");
    account.manager.act("credentials/third/set-default").await.expect(200);
    account.manager.delete("credentials/second").await.expect(204);
    let usage = account.manager.get("credentials/third/usage").await.expect(200);
    assert_eq!(usage["default"], true);
}

#[tokio::test]
async fn who_fell_back_to_a_default_is_named_when_it_is_deleted() {
    let account = Account::new().await;
    account.create(registry("only")).await;
    let pull = json!({ "consumer": "app:web", "slot": "image-pull" });
    account.workload.post("resolve", pull).await.expect(200);
    let usage = account.manager.get("credentials/only/usage").await.expect(200);
    assert_eq!(usage["uses"][0]["fallback"], true);
    for query in ["", "?purge=true"] {
        let refused = account.manager.delete(&format!("credentials/only{query}")).await.expect(409);
        let named: Vec<_> = refused["conflicts"].as_array().expect("a list").iter().map(|of| &of["name"]).collect();
        assert_eq!(named, ["app:web"], "{query}");
    }
    account.manager.delete("credentials/only?purge=true&force=true").await.expect(204);
    assert_eq!(account.operator.act("/v1/audit/verify").await.expect(200)["problems"], json!([]));
}

#[tokio::test]
async fn purge_is_for_good() {
    let account = Account::new().await;
    for delete_first in [false, true] {
        let id = id_of(&account.create(basic("staging")).await);
        account.manager.patch("credentials/staging", json!({ "data": { "password": "second" } })).await.expect(200);
        if delete_first {
            account.manager.delete("credentials/staging").await.expect(204);
        }
        account.manager.delete(&format!("credentials/{id}?purge=true")).await.expect(204);
        for path in ["", "/versions"] {
            account.manager.get(&format!("credentials/{id}{path}")).await.expect(404);
        }
        account.manager.act(&format!("credentials/{id}/restore")).await.expect(404);
        let trail = account.auditor.all(&format!("audit?credential={id}")).await;
        assert_eq!(trail[0]["action"], "credential.purge", "the trail stays");
    }
    assert_eq!(account.manager.all("credentials?deleted=true").await.len(), 0);
}

#[tokio::test]
async fn force_and_purge_are_flags() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    for (query, pointer) in [("force=perhaps", "?force"), ("purge=1x", "?purge"), ("soft=true", "?soft")] {
        assert_eq!(account.manager.delete(&format!("credentials/staging?{query}")).await.pointers(), [pointer]);
    }
    account.manager.delete("credentials/staging?force=true").await.expect(204);
}

fn id_of(credential: &serde_json::Value) -> String {
    credential["id"].as_str().expect("an id").to_owned()
}
