//! What a sync would do, without doing it.

use std::fs;

use serde_json::{Value, json};

use super::World;
use crate::support::reply::text;
use crate::support::samples::basic;

#[tokio::test]
async fn each_action_is_foreseen_and_nothing_is_done() {
    let world = World::new().await;
    let path = format!("/v1/regions/{}", world.region);
    world.account.operator.patch(&path, json!({ "drift": "report" })).await.expect(200);
    for name in ["unchanged", "update", "drifted", "delete"] {
        world.account.create(basic(name)).await;
    }
    world.account.manager.act(&format!("{}/ensure", world.used())).await.expect(200);
    world.order("pause").await;
    let manager = &world.account.manager;
    manager.patch("credentials/update", json!({ "data": { "password": "two" } })).await.expect(200);
    manager.delete("credentials/delete").await.expect(204);
    fs::write(world.file("drifted", "auth"), "wrong").expect("a file");
    world.account.create(basic("create")).await;
    world.account.create(basic("foreign")).await;
    world.plant("foreign");

    let before = world.stamps();
    let plan = manager.get(&format!("{}/plan", world.used())).await.expect(200);
    let items = plan["items"].as_array().expect("a list");
    assert_eq!(items.len(), 6, "{plan}");
    for item in items {
        assert_eq!(item["action"], item["name"], "{item}");
        assert_eq!(item["credential"], item["name"]);
        assert!(text(&item["place"]).ends_with(text(&item["name"])), "{item}");
        assert!(item["id"].is_string());
    }
    let summary = json!({
        "create": 1, "update": 1, "delete": 1, "unchanged": 1, "foreign": 1, "drifted": 1, "unknown": 0
    });
    assert_eq!((&plan["summary"], &plan["region"]), (&summary, &json!(world.region)));
    let told = |name: &str| items.iter().find(|item| item["name"] == name).expect("it")["message"].clone();
    assert!(told("foreign").is_string() && told("drifted").is_string() && told("create").is_null());
    assert_eq!(world.stamps(), before, "nothing was done");
    world.account.member.get(&format!("{}/plan", world.used())).await.expect(403);
}

#[tokio::test]
async fn a_region_that_cannot_be_looked_at_is_unknown() {
    let world = World::new().await;
    world.account.create(basic("staging")).await;
    fs::remove_dir(world.folder.path()).expect("it is empty");
    fs::write(world.folder.path(), "no folder").expect("a file");
    let plan = world.account.manager.get(&format!("{}/plan", world.used())).await.expect(200);
    assert_eq!((&plan["summary"]["unknown"], &plan["items"][0]["action"]), (&json!(1), &json!("unknown")), "{plan}");
    assert_ne!(plan["items"][0]["message"], Value::Null);
    fs::remove_file(world.folder.path()).expect("it was there");
    fs::create_dir(world.folder.path()).expect("as it was");
}
