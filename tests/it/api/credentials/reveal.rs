use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry, tls};

/// A secret is shown on an explicit reveal, which is recorded (S0-21, S0-47, D-3).
#[tokio::test]
async fn secrets_are_told_on_request_and_recorded() {
    let account = Account::new().await;
    account.create(registry("ghcr")).await;
    let all = account.manager.post("credentials/ghcr/reveal", json!({})).await.expect(200);
    assert_eq!(all, json!({ "data": { "password": "s3cret-token" }, "version": 1 }));
    let one = account.manager.post("credentials/ghcr/reveal", json!({ "fields": ["/password"] })).await.expect(200);
    assert_eq!(one, all);
    let trail = account.auditor.all("audit?action=credential.reveal").await;
    assert_eq!(trail.len(), 2);
    for entry in &trail {
        assert_eq!((&entry["outcome"], &entry["detail"]["fields"]), (&json!("ok"), &json!(["/password"])));
        assert_eq!(entry["actor"], "user:credentials-manager");
    }
    assert!(!json!(trail).to_string().contains("s3cret-token"));
}

#[tokio::test]
async fn only_secret_fields_are_revealed() {
    let account = Account::new().await;
    account.create(tls("www")).await;
    let reply = account
        .manager
        .post("credentials/www/reveal", json!({ "fields": ["/certificate", "/privateKey", "/x"] }))
        .await;
    assert_eq!(reply.violations(), [("/fields/0", "unknown"), ("/fields/2", "unknown")]);
    let reply = account.manager.post("credentials/www/reveal", json!({ "fields": "/privateKey" })).await;
    assert_eq!(reply.pointers(), ["/fields"]);
    let reply = account.manager.post("credentials/www/reveal", json!({ "field": [] })).await;
    assert_eq!(reply.pointers(), ["/field"]);
}

/// Nobody reveals a write-only credential (D-3).
#[tokio::test]
async fn a_write_only_credential_is_never_revealed() {
    let account = Account::new().await;
    let mut body = basic("staging");
    body["revealable"] = json!(false);
    assert_eq!(account.create(body).await["revealable"], false);
    for client in [&account.operator, &account.admin, &account.manager] {
        client.post("credentials/staging/reveal", json!({})).await.expect(403);
    }
    let reply = account.admin.patch("credentials/staging", json!({ "revealable": true })).await;
    assert_eq!(reply.violations(), [("/revealable", "immutable")]);
    account.manager.post("credentials/staging/materialize", json!({})).await.expect(200);
    let refused = account.auditor.all("audit?action=credential.reveal").await;
    assert!(refused.len() == 3 && refused.iter().all(|entry| entry["outcome"] == "denied"), "{refused:?}");

    // An ordinary one can become so, and then stays so.
    account.create(basic("other")).await;
    account.manager.patch("credentials/other", json!({ "revealable": false })).await.expect(200);
    account.admin.post("credentials/other/reveal", json!({})).await.expect(403);
}
