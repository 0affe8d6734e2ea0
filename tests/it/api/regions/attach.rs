//! An account begins, and ceases, to use a region.

use std::fs;

use reqwest::Method;
use serde_json::json;

use super::{PATIENCE, World};
use crate::support::samples::{basic, registry};
use crate::support::server::eventually;

#[tokio::test]
async fn an_account_uses_a_region_in_its_way() {
    let world = World::new().await;
    let manager = &world.account.manager;
    manager.get(&world.used()).await.expect(404);
    world.order("pause").await;
    world.account.create(basic("staging")).await;
    let reply = manager.put(&world.used(), json!({})).await;
    let etag = reply.etag();
    let used = reply.expect(200);
    let expected = json!({ "notSynced": 1, "syncing": 0, "synced": 0, "error": 0, "drifted": 0 });
    assert_eq!((&used["region"], &used["mode"], &used["sync"]), (&json!(world.region), &json!("paused"), &expected));
    assert_eq!((&used["formats"], &used["onDetach"], &used["detaching"]), (&json!({}), &json!("remove"), &json!(null)));
    assert_eq!(manager.get(&world.used()).await.etag(), etag);
    assert_eq!(manager.put(&world.used(), json!({})).await.etag(), etag, "nothing changed");

    let body = json!({ "formats": { "basic-auth": ["login"] }, "onDetach": "keep" });
    let put = |etag: &str| manager.call(Method::PUT, &world.used()).header("if-match", etag).json(&body);
    put("\"1\"").send().await.expect(412);
    let reply = put(&etag).send().await;
    assert_ne!(reply.etag(), etag);
    assert_eq!(reply.expect(200)["formats"], body["formats"]);
    manager.call(Method::DELETE, &world.used()).header("if-match", &etag).send().await.expect(412);
    let member = world.account.member.all("regions?limit=1").await;
    assert_eq!((member.len(), &member[0]["onDetach"]), (1, &json!("keep")));

    let wrong = json!({ "formats": { "no-such": [], "basic-auth": ["login", "floppy"] }, "onDetach": "burn", "x": 1 });
    let refused = manager.put(&world.used(), wrong).await;
    assert_eq!(
        refused.violations(),
        [
            ("/formats/basic-auth/1", "unknown"),
            ("/formats/no-such", "unknown"),
            ("/onDetach", "unknown"),
            ("/x", "unknown")
        ]
    );
    manager.put("regions/no-such", json!({})).await.expect(404);
}

#[tokio::test]
async fn formats_decide_what_is_there() {
    let world = World::new().await;
    world.account.create(basic("staging")).await;
    world.account.create(registry("ghcr")).await;
    world.attach(json!({ "formats": { "container-registry": ["docker/config.json"], "basic-auth": [] } })).await;
    world.until("ghcr", "synced").await;
    assert!(fs::read_to_string(world.file("ghcr", "config.json")).expect("a file").contains("ghcr.io"));
    assert!(!world.file("staging", "").exists());
    assert_eq!(world.row("staging").await, json!(null), "it has no business there");
    world.attach(json!({ "formats": { "basic-auth": ["login"] } })).await;
    world.until("staging", "synced").await;
    assert_eq!(fs::read_to_string(world.file("staging", "username")).expect("a file"), "staging");
}

#[tokio::test]
async fn letting_go_removes_what_is_there_or_leaves_it() {
    for (attached, query, stays) in [
        (json!({}), "", false),
        (json!({ "onDetach": "keep" }), "", true),
        (json!({}), "?onDetach=keep", true),
        (json!({ "onDetach": "keep" }), "?onDetach=remove", false),
    ] {
        let world = World::new().await;
        world.attach(attached.clone()).await;
        world.account.create(basic("staging")).await;
        world.until("staging", "synced").await;
        let bystander = world.plant("bystander");
        let manager = &world.account.manager;
        manager.delete(&format!("{}{query}", world.used())).await.expect(204);
        let gone = async || manager.get(&world.used()).await.status == 404;
        assert!(eventually(PATIENCE, gone).await);
        assert_eq!(world.file("staging", "auth").exists(), stays, "{attached} {query}");
        assert!(bystander.exists());
        assert_eq!(world.row("staging").await, json!(null), "there is nothing to tell any more");
        manager.delete(&world.used()).await.expect(404);
    }
    let world = World::attached().await;
    let refused = world.account.manager.delete(&format!("{}?onDetach=burn&x=1", world.used())).await;
    assert_eq!(refused.violations(), [("?onDetach", "unknown"), ("?x", "unknown")]);
}
