use serde_json::json;

use crate::support::Account;
use crate::support::samples::basic;

#[tokio::test]
async fn history_tells_what_changed_and_can_be_gone_back_in() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    account.manager.patch("credentials/staging", json!({ "data": { "password": "two" } })).await.expect(200);
    account
        .manager
        .patch("credentials/staging", json!({ "data": { "username": "other", "password": "three" } }))
        .await
        .expect(200);
    let back = account.manager.act("credentials/staging/versions/1/restore").await.expect(200);
    assert_eq!((&back["version"], &back["data"]["username"]), (&json!(4), &json!("staging")));
    let secret = account.manager.post("credentials/staging/reveal", json!({})).await.expect(200);
    assert_eq!((&secret["data"]["password"], &secret["version"]), (&json!("correct horse"), &json!(4)));

    let versions = account.manager.all("credentials/staging/versions").await;
    let told: Vec<_> = versions
        .iter()
        .map(|line| (line["version"].clone(), line["action"].clone(), line["changed"].clone(), line["current"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!(4), json!("restore"), json!(["/password", "/username"]), json!(true)),
            (json!(3), json!("update"), json!(["/password", "/username"]), json!(false)),
            (json!(2), json!("update"), json!(["/password"]), json!(false)),
            (json!(1), json!("create"), json!(["/password", "/username"]), json!(false)),
        ]
    );
    assert!(
        versions.iter().all(|line| line["plugin"]["id"] == "basic-auth" && line["actor"] == "user:credentials-manager")
    );
    let paged = account.manager.all("credentials/staging/versions?limit=1").await;
    assert_eq!(paged, versions);
}

#[tokio::test]
async fn there_is_no_version_that_was_never_made() {
    let account = Account::new().await;
    account.create(basic("staging")).await;
    account.manager.act("credentials/staging/versions/2/restore").await.expect(404);
    account.manager.act("credentials/staging/versions/0/restore").await.expect(404);
    let reply = account.manager.act("credentials/staging/versions/latest/restore").await;
    assert!([404, 422].contains(&reply.status), "{}", reply.status);
}
