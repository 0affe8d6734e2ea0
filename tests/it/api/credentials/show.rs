use serde_json::json;

use crate::support::Account;
use crate::support::samples::{basic, registry};

/// Account and credential are addressed by id or by name (S2-03, S2-07, S2-11); ids are UUIDs (S3-08, S3-09).
#[tokio::test]
async fn by_id_and_by_name_are_the_same() {
    let account = Account::new().await;
    let created = account.create(registry("ghcr")).await;
    let id = created["id"].as_str().expect("an id");
    for id in [id, &account.id] {
        let parsed: uuid::Uuid = id.parse().expect("a UUID");
        assert_eq!(
            (parsed.to_string(), parsed.get_version_num()),
            (id.to_owned(), 7),
            "RFC 9562, as it is written there"
        );
    }
    assert_eq!(account.manager.get("credentials/ghcr").await.expect(200), created);
    let by_ids = format!("/v1/accounts/{}/credentials/{id}", account.id);
    assert_eq!(account.manager.get(&by_ids).await.expect(200), created);
    account.manager.get("credentials/no-such").await.expect(404);
    account.manager.get("credentials/0190b5a0-0000-7000-8000-000000000000").await.expect(404);
}

/// A use sets the time of last use (S2-18).
#[tokio::test]
async fn use_moves_the_time_of_last_use_and_not_the_etag() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    let before = account.manager.get("credentials/staging").await;
    account.manager.post("credentials/staging/materialize", json!({})).await.expect(200);
    let after = account.manager.get("credentials/staging").await;
    assert_eq!(before.etag(), after.etag());
    assert_eq!(before.body["lastUsedAt"], json!(null));
    assert!(after.body["lastUsedAt"].is_string());
    assert_eq!(before.body["updatedAt"], after.body["updatedAt"]);
}
