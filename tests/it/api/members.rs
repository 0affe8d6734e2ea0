use reqwest::Method;
use serde_json::json;

use crate::support::Account;

#[tokio::test]
async fn members_come_change_and_go() {
    let account = Account::new().await;
    let added = account.admin.put("members/alice", json!({ "role": "member" })).await.expect(200);
    assert_eq!((&added["principal"], &added["role"]), (&json!("alice"), &json!("member")));
    account.admin.put("members/bob%40example.com", json!({ "role": "auditor" })).await.expect(200);
    let promoted = account.admin.put("members/alice", json!({ "role": "admin" })).await.expect(200);
    assert_eq!((&promoted["role"], &promoted["createdAt"]), (&json!("admin"), &added["createdAt"]));
    let listed = account.admin.all("members?limit=1").await;
    let told: Vec<_> = listed.iter().map(|one| (one["principal"].clone(), one["role"].clone())).collect();
    assert_eq!(told, [(json!("alice"), json!("admin")), (json!("bob@example.com"), json!("auditor"))]);
    account.admin.delete("members/alice").await.expect(204);
    account.admin.delete("members/alice").await.expect(404);
}

#[tokio::test]
async fn roles_and_principals_are_judged() {
    let account = Account::new().await;
    assert_eq!(account.admin.put("members/alice", json!({ "role": "king" })).await.pointers(), ["/role"]);
    assert_eq!(account.admin.put("members/alice", json!({})).await.violations(), [("/role", "required")]);
    assert_eq!(account.admin.put("members/alice", json!({ "role": "admin", "x": 1 })).await.pointers(), ["/x"]);
    assert_eq!(
        account.admin.put(&format!("members/{}", "a".repeat(256)), json!({ "role": "admin" })).await.pointers(),
        ["/principal"]
    );
    assert_eq!(account.admin.put("members/a%00b", json!({ "role": "admin" })).await.pointers(), ["/principal"]);
}

/// A member's token is what the membership is when it is used.
#[tokio::test]
async fn a_principal_s_token_follows_the_membership() {
    let account = Account::new().await;
    assert_eq!(
        account.admin.post("tokens", json!({ "name": "x", "principal": "alice" })).await.pointers(),
        ["/principal"]
    );
    account.admin.put("members/alice", json!({ "role": "member" })).await.expect(200);
    let alice = account.token(json!({ "principal": "alice" })).await;
    alice.get("credentials").await.expect(200);
    alice.get("audit").await.expect(403);
    account.admin.put("members/alice", json!({ "role": "auditor" })).await.expect(200);
    alice.get("audit").await.expect(200);
    account.admin.delete("members/alice").await.expect(204);
    alice.get("credentials").await.expect(401);
}

#[tokio::test]
async fn a_stale_change_is_refused() {
    let account = Account::new().await;
    let etag = account.admin.put("members/alice", json!({ "role": "member" })).await.etag();
    account.admin.put("members/alice", json!({ "role": "auditor" })).await.expect(200);
    let call = account.admin.call(Method::PUT, "members/alice").header("if-match", &etag);
    call.json(&json!({ "role": "admin" })).send().await.expect(412);
    account.admin.call(Method::DELETE, "members/alice").header("if-match", &etag).send().await.expect(412);
}
