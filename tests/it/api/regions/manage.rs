//! Regions of the installation, as operators make and change them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{World, directory};
use crate::support::account::unique;
use crate::support::reply::text;
use crate::support::samples::basic;
use crate::support::{Account, Server};

#[tokio::test]
async fn a_region_is_made_changed_and_deleted() {
    let server = Server::shared().await;
    let operator = server.operator();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = unique("r");
    let reply = operator.post("/v1/regions", directory(&name, &folder)).await;
    let location = reply.header("location").expect("a place").to_owned();
    let etag = reply.etag();
    let made = reply.expect(201);
    assert_eq!(location, format!("/v1/regions/{}", text(&made["id"])));
    assert_eq!(
        (&made["target"], &made["drift"], &made["mode"]),
        (&json!("directory"), &json!("repair"), &json!("active"))
    );
    assert_eq!(
        (&made["login"], &made["unreachable"], &made["secretSettings"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
    let shown = operator.get(&format!("/v1/regions/{name}")).await;
    assert_eq!(shown.etag(), etag);
    assert_eq!(shown.expect(200), made);
    assert!(operator.all("/v1/regions?limit=2").await.contains(&made));
    assert_eq!(operator.post("/v1/regions", directory(&name, &folder)).await.errors(), [("/name", "taken")]);

    let renamed = unique("r");
    let patch = json!({ "name": renamed, "title": "Europe", "drift": "report", "settings": { "mode": "0640" } });
    let changed = operator.patch(&location, patch).await.expect(200);
    assert_eq!(changed["settings"], json!({ "path": folder.path(), "mode": "0640" }));
    assert_eq!(
        (&changed["name"], &changed["title"], &changed["drift"]),
        (&json!(renamed), &json!("Europe"), &json!("report"))
    );
    operator.get(&format!("/v1/regions/{name}")).await.expect(404);
    let back = operator.patch(&location, json!({ "settings": { "mode": null } })).await.expect(200);
    assert_eq!(back["settings"], json!({ "path": folder.path() }));
    operator.delete(&location).await.expect(204);
    operator.get(&location).await.expect(404);
    let trail = operator.all(&format!("/v1/audit?action=region.*&region={renamed}")).await;
    assert_eq!(trail[0]["action"], "region.delete");
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let operator = Server::shared().await.operator();
    let refused = operator.post("/v1/regions", json!({})).await;
    assert_eq!(refused.violations(), [("/name", "required"), ("/target", "required")]);
    let wrong = json!({
        "name": "a b", "title": "t".repeat(256), "target": "directory", "drift": "sometimes", "login": "me", "colour": 1,
        "settings": { "path": "not/absolute", "mode": "0666", "colour": "red" }
    });
    let refused = operator.post("/v1/regions", wrong.clone()).await;
    assert_eq!(
        refused.pointers(),
        ["/colour", "/drift", "/login", "/name", "/settings/colour", "/settings/mode", "/settings/path", "/title"]
    );
    let mut unknown = wrong;
    unknown["target"] = json!("floppy");
    assert!(operator.post("/v1/regions", unknown).await.errors().contains(&("/target", "unknown")));
    let login = json!({ "account": "no-such", "credential": "x" });
    let hook = json!({ "url": "http://127.0.0.1:9/hook" });
    let body = json!({ "name": unique("r"), "target": "webhook", "settings": hook, "login": login });
    assert_eq!(operator.post("/v1/regions", body).await.pointers(), ["/login/account"]);
    // One that would never be used is refused rather than needed.
    let body = json!({ "name": unique("r"), "target": "directory", "settings": { "path": "/tmp/x" }, "login": login });
    assert_eq!(operator.post("/v1/regions", body).await.errors(), [("/login", "unsupported")]);

    let world = World::new().await;
    let path = format!("/v1/regions/{}", world.region);
    let changes = json!({ "target": "webhook", "name": "", "settings": { "mode": "9" } });
    let refused = operator.patch(&path, changes).await;
    assert_eq!(refused.pointers(), ["/name", "/settings/mode", "/target"]);
    assert_eq!(operator.delete(&format!("{path}?force=perhaps")).await.pointers(), ["?force"]);
    assert_eq!(operator.get("/v1/regions?limit=0").await.pointers(), ["?limit"]);
}

#[tokio::test]
async fn a_secret_setting_is_never_shown_and_kept_by_a_patch() {
    let operator = Server::shared().await.operator();
    let name = unique("r");
    let settings = json!({ "url": "http://127.0.0.1:9/hook", "secret": "hunter2-hunter2-hunter2" });
    let made = operator.post("/v1/regions", json!({ "name": name, "target": "webhook", "settings": settings })).await;
    let path = format!("/v1/regions/{name}");
    let patched = operator.patch(&path, json!({ "settings": { "timeoutSeconds": 5 } })).await;
    let listed = operator.get("/v1/regions?limit=500").await;
    let trail = operator.get(&format!("/v1/audit?region={name}")).await;
    for reply in [&made, &patched, &operator.get(&path).await, &listed, &trail] {
        assert!(reply.status < 300, "{}", reply.body);
        assert!(!reply.body.to_string().contains("hunter2"), "{} {}", reply.method, reply.path);
    }
    for shown in [made.expect(201), patched.expect(200)] {
        assert_eq!((&shown["secretSettings"], &shown["settings"]["url"]), (&json!(["/secret"]), &settings["url"]));
        assert!(shown["settings"].get("secret").is_none());
    }
    // What does not fit is not repeated either.
    let refused = operator.patch(&path, json!({ "settings": { "secret": "hunter2" } })).await;
    assert_eq!(refused.pointers(), ["/settings/secret"]);
    assert!(!refused.body.to_string().contains("hunter2"), "{}", refused.body);
    operator.delete(&path).await.expect(204);
}

#[tokio::test]
async fn if_match_and_idempotency_keys_are_honoured() {
    let world = World::new().await;
    let operator = &world.account.operator;
    let path = format!("/v1/regions/{}", world.region);
    let stale = operator.get(&path).await.etag();
    operator.patch(&path, json!({ "title": "newer" })).await.expect(200);
    for method in [Method::PATCH, Method::DELETE] {
        let call = operator.call(method.clone(), &path).header("if-match", &stale);
        let call = if method == Method::PATCH { call.json(&json!({ "title": "mine" })) } else { call };
        call.send().await.expect(412);
    }
    let fresh = operator.get(&path).await.etag();
    operator.call(Method::DELETE, &path).header("if-match", &fresh).send().await.expect(204);

    let (name, key) = (unique("r"), unique("key"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let create = async || {
        let call = operator.call(Method::POST, "/v1/regions").header("idempotency-key", &key);
        call.json(&directory(&name, &folder)).send().await
    };
    let (first, again) = (create().await, create().await);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.expect(201)["id"], again.expect(201)["id"]);
}

#[tokio::test]
async fn what_accounts_use_is_in_the_way_of_its_deletion() {
    let world = World::attached().await;
    let operator = &world.account.operator;
    world.account.create(basic("staging")).await;
    world.until("staging", "synced").await;
    let path = format!("/v1/regions/{}", world.region);
    let refused = operator.delete(&path).await.expect(409);
    let conflict = &refused["conflicts"][0];
    assert_eq!((&conflict["kind"], &conflict["name"]), (&json!("account"), &json!(world.account.name)));
    operator.get(text(&conflict["url"])).await.expect(200);
    // Where things are cannot change while something is there.
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let moved = operator.patch(&path, json!({ "settings": { "path": elsewhere.path() } })).await;
    moved.assert_status(409);
    assert_eq!(moved.errors(), [("/settings/path", "in-use")]);
    // By force what is there stays.
    operator.delete(&format!("{path}?force=true")).await.expect(204);
    assert_eq!(world.account.manager.get("regions").await.expect(200)["items"], json!([]));
    assert!(world.file("staging", "auth").exists());
    let shown = world.account.manager.get("credentials/staging").await.expect(200);
    assert_eq!(shown["sync"], json!([]));
}

#[tokio::test]
async fn a_check_tells_whether_the_target_can_be_reached() {
    let world = World::new().await;
    let check = format!("/v1/regions/{}/check", world.region);
    let found = world.account.operator.act(&check).await.expect(200);
    assert_eq!(found, json!({ "reachable": true, "error": null }));
    let name = unique("r");
    let nowhere = json!({ "name": name, "target": "directory", "settings": { "path": "/no/such/folder/at/all" } });
    world.account.operator.post("/v1/regions", nowhere).await.expect(201);
    let found = world.account.operator.act(&format!("/v1/regions/{name}/check")).await.expect(200);
    assert_eq!(found["reachable"], false);
    assert!(!text(&found["error"]).is_empty(), "{found}");
    world.account.operator.delete(&format!("/v1/regions/{name}")).await.expect(204);
}

#[tokio::test]
async fn a_region_signs_in_with_a_stored_credential() {
    let world = World::new().await;
    let Account { operator, name, .. } = &world.account;
    world.account.create(basic("door")).await;
    let region = unique("r");
    let path = format!("/v1/regions/{region}");
    let settings = json!({ "url": "http://127.0.0.1:9/hook", "secret": "hunter2-hunter2-hunter2" });
    operator
        .post("/v1/regions", json!({ "name": region, "target": "webhook", "settings": settings }))
        .await
        .expect(201);
    let login = json!({ "account": name, "credential": "door" });
    let shown = operator.patch(&path, json!({ "login": login })).await.expect(200);
    assert_eq!(shown["login"], login);
    let refused = world.account.manager.delete("credentials/door").await.expect(409);
    assert_eq!(refused["conflicts"][0]["kind"], "region");
    let back = operator.patch(&path, json!({ "login": null })).await.expect(200);
    assert_eq!(back["login"], Value::Null);
    world.account.manager.delete("credentials/door").await.expect(204);
    operator.delete(&path).await.expect(204);
}

#[tokio::test]
async fn kinds_of_targets_describe_their_settings() {
    let account = Account::new().await;
    let kinds = account.workload.all("/v1/region-targets?limit=1").await;
    let ids: Vec<_> = kinds.iter().map(|kind| text(&kind["id"])).collect();
    assert_eq!(ids, ["directory", "kubernetes", "openbao", "webhook"]);
    let path = kinds[0]["settings"].as_array().expect("a list").iter().find(|setting| setting["name"] == "path");
    let path = path.expect("a path");
    assert_eq!((&path["required"], &path["moves"], &path["secret"]), (&json!(true), &json!(true), &json!(false)));
}
