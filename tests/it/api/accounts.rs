use reqwest::Method;
use serde_json::json;

use crate::support::account::unique;
use crate::support::samples::basic;
use crate::support::{Account, Server};

#[tokio::test]
async fn an_account_lives_from_creation_to_deletion() {
    let server = Server::shared().await;
    let operator = server.operator();
    let (name, renamed) = (unique("a"), unique("b"));
    let reply = operator.post("/v1/accounts", json!({ "name": name, "title": "First" })).await;
    let location = reply.header("location").expect("a Location").to_owned();
    let created = reply.expect(201);
    assert_eq!((&created["name"], &created["title"]), (&json!(name), &json!("First")));
    let mut members: Vec<_> = created.as_object().expect("an object").keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["createdAt", "id", "name", "title", "updatedAt"]);
    assert_eq!(operator.get(&location).await.expect(200), created);

    let path = format!("/v1/accounts/{name}");
    assert_eq!(operator.get(&path).await.expect(200), created, "by name as by id");
    let changed = operator.patch(&path, json!({ "name": renamed, "title": "Second" })).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["title"], &changed["id"]),
        (&json!(renamed), &json!("Second"), &created["id"])
    );
    operator.get(&path).await.expect(404);
    assert!(operator.all("/v1/accounts?limit=2").await.contains(&changed));

    operator.delete(&format!("/v1/accounts/{renamed}")).await.expect(204);
    operator.get(&location).await.expect(404);
}

#[tokio::test]
async fn a_new_installation_has_the_account_default() {
    let operator = Server::shared().await.operator();
    assert_eq!(operator.get("/v1/accounts/default").await.expect(200)["name"], "default");
}

#[tokio::test]
async fn names_are_judged_and_unique() {
    let account = Account::new().await;
    let operator = &account.operator;
    let reply = operator.post("/v1/accounts", json!({ "name": account.name })).await;
    reply.assert_status(409);
    assert_eq!(reply.errors(), [("/name", "taken")]);
    let other = Account::on(&account.server).await;
    operator.patch(&format!("/v1/accounts/{}", other.name), json!({ "name": account.name })).await.expect(409);
    let reply = operator.post("/v1/accounts", json!({ "name": "not a name", "title": 7, "colour": "red" })).await;
    assert_eq!(reply.violations(), [("/colour", "unknown"), ("/name", "format"), ("/title", "type")]);
    let reply = operator.post("/v1/accounts", json!({})).await;
    assert_eq!(reply.violations(), [("/name", "required")]);
}

#[tokio::test]
async fn one_that_holds_credentials_stays() {
    let account = Account::new().await;
    let path = format!("/v1/accounts/{}", account.name);
    let created = account.create(basic("staging")).await;
    account.operator.delete(&path).await.expect(409);
    account.manager.delete("credentials/staging").await.expect(204);
    account.operator.delete(&path).await.expect(409);
    let id = created["id"].as_str().expect("an id");
    account.manager.delete(&format!("credentials/{id}?purge=true")).await.expect(204);
    account.operator.delete(&path).await.expect(204);
    // Its tokens went with it.
    account.admin.get("/v1/me").await.expect(401);
}

#[tokio::test]
async fn a_stale_change_is_refused() {
    let account = Account::new().await;
    let path = format!("/v1/accounts/{}", account.name);
    let etag = account.admin.get(&path).await.etag();
    let rename = |title: &str| {
        account.admin.call(Method::PATCH, &path).header("if-match", &etag).json(&json!({ "title": title })).send()
    };
    rename("one").await.expect(200);
    rename("two").await.expect(412);
    assert_eq!(account.admin.get(&path).await.expect(200)["title"], "one");
}

/// An admin who could would learn which names are taken, and take one that was
/// given up.
#[tokio::test]
async fn a_tenant_does_not_rename_its_account_and_learns_no_other_name() {
    let server = Server::shared().await;
    let (account, other) = (Account::on(&server).await, Account::on(&server).await);
    let path = format!("/v1/accounts/{}", account.name);
    let free = unique("free");
    let mut told = Vec::new();
    for name in [&other.name, &free, &account.name, "not a name"] {
        let reply = account.admin.patch(&path, json!({ "name": name, "title": "Mine" })).await.expect(403);
        told.push((reply["detail"].clone(), reply["title"].clone(), reply["errors"].clone()));
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "one text, whatever the name: {told:?}");
    assert_eq!(account.admin.get(&path).await.expect(200)["title"], "Of a test", "nothing of it was done");
    account.admin.patch(&path, json!({ "title": "Mine" })).await.expect(200);
    let refused = account.auditor.all("audit?action=account.update").await;
    assert!(refused.iter().any(|entry| entry["outcome"] == "denied"), "{refused:?}");

    account.operator.patch(&path, json!({ "name": free })).await.expect(200);
    let record = &account.operator.all(&format!("/v1/accounts/{free}/audit?action=account.update")).await[0];
    assert_eq!(record["detail"]["name"], json!({ "from": account.name, "to": free }));
}
