//! The main job, start to end, as one function over any server: what a user
//! does on the first day. It runs on every storage engine.

use serde_json::json;

use crate::support::samples::{artifact, basic, registry, tls};
use crate::support::{Account, Server};

/// Creates, refuses, lists, materializes, reveals, rotates, rolls back, deletes
/// and restores, and reads the audit trail of all that.
pub(crate) async fn walk(server: &Server) -> Account {
    walk_as(Account::on(server).await).await
}

/// The same in an account whose clients may record.
pub(crate) async fn walk_as(account: Account) -> Account {
    let Account { manager, auditor, .. } = &account;

    // Wrong input is refused, every error at its field, and leaves nothing.
    let wrong =
        json!({ "type": "container-registry", "name": "not a name", "data": { "server": "ghcr.io", "colour": "red" } });
    let refused = manager.post("credentials", wrong).await;
    assert!(
        refused.pointers().contains(&"/name") && refused.pointers().contains(&"/data/password"),
        "{}",
        refused.body
    );
    assert_eq!(manager.all("credentials").await.len(), 0);

    // Three types; the first registry becomes the default (S0-24).
    let ghcr = manager.post("credentials", registry("ghcr")).await.expect(201);
    assert_eq!((&ghcr["default"], &ghcr["version"]), (&json!(true), &json!(1)));
    manager.post("credentials", basic("staging")).await.expect(201);
    manager.post("credentials", tls("www")).await.expect(201);
    let listed = manager.all("credentials").await;
    let names: Vec<_> = listed.iter().map(|item| item["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["ghcr", "staging", "www"]);

    // Materialize each in its default format.
    let files = manager.post("credentials/ghcr/materialize", json!({})).await.expect(200);
    assert_eq!(files["format"], "kubernetes.io/dockerconfigjson");
    assert!(artifact(&files, ".dockerconfigjson").contains("ghcr.io"));
    let files = manager.post("credentials/staging/materialize", json!({})).await.expect(200);
    assert!(artifact(&files, "auth").starts_with("staging:$2y$"));
    let files = manager.post("credentials/www/materialize", json!({})).await.expect(200);
    assert!(artifact(&files, "tls.key").contains("PRIVATE KEY"));

    // Reveal one secret, rotate it, roll back.
    let secret = async |name: &str| {
        let answer = manager.post(&format!("credentials/{name}/reveal"), json!({ "fields": ["/password"] })).await;
        answer.expect(200)["data"]["password"].clone()
    };
    assert_eq!(secret("ghcr").await, "s3cret-token");
    let rotated =
        manager.patch("credentials/ghcr", json!({ "data": { "password": "rotated-token" } })).await.expect(200);
    assert_eq!(rotated["version"], 2);
    assert_eq!(secret("ghcr").await, "rotated-token");
    let back = manager.act("credentials/ghcr/versions/1/restore").await.expect(200);
    assert_eq!(back["version"], 3);
    assert_eq!(secret("ghcr").await, "s3cret-token");

    // Delete and restore.
    let id = ghcr["id"].as_str().expect("an id");
    manager.delete("credentials/ghcr").await.expect(204);
    manager.get("credentials/ghcr").await.expect(404);
    manager.act(&format!("credentials/{id}/restore")).await.expect(200);
    assert_eq!(secret("ghcr").await, "s3cret-token");

    // The trail tells all of it, newest first.
    let trail = auditor.all(&format!("audit?credential={id}")).await;
    let actions: Vec<_> = trail.iter().rev().map(|entry| entry["action"].as_str().expect("an action")).collect();
    assert_eq!(
        actions,
        [
            "credential.create",
            "credential.set-default",
            "credential.materialize",
            "credential.reveal",
            "credential.update",
            "credential.reveal",
            "credential.update",
            "credential.reveal",
            "credential.delete",
            "credential.restore",
            // Nobody took the place of the default meanwhile (S0-24).
            "credential.set-default",
            "credential.reveal",
        ]
    );
    let report = account.operator.act("/v1/audit/verify").await.expect(200);
    assert_eq!(report["problems"], json!([]));
    account
}
