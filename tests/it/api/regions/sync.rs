//! How credentials stand in regions, and syncing them now.

use std::fs;

use serde_json::{Value, json};

use super::{PATIENCE, World};
use crate::support::samples::{basic, registry};
use crate::support::server::eventually;

/// S0-36, S0-37.
#[tokio::test]
async fn a_row_tells_what_was_never_there_and_what_is_in_place() {
    let world = World::new().await;
    assert_eq!(world.account.create(basic("staging")).await["sync"], json!([]));
    world.order("pause").await;
    world.attach(json!({})).await;
    let row = world.row("staging").await;
    let never =
        json!({ "region": world.region, "state": "notSynced", "syncedAt": null, "error": null, "version": null });
    assert_eq!(row, never);
    let etag = world.account.manager.get("credentials/staging").await.etag();
    world.order("resume").await;
    let row = world.until("staging", "synced").await;
    assert_eq!((&row["version"], &row["error"]), (&json!(1), &Value::Null));
    assert!(row["syncedAt"].is_string());
    assert_eq!(world.account.manager.get("credentials/staging").await.etag(), etag, "a push is nobody's edit");
    world.account.manager.patch("credentials/staging", json!({ "data": { "password": "two" } })).await.expect(200);
    let second = async || world.row("staging").await["version"] == 2;
    assert!(eventually(PATIENCE, second).await);
    assert!(world.account.member.get("credentials/staging").await.expect(200).get("sync").is_none());
}

/// S0-38, S0-39.
#[tokio::test]
async fn a_collision_is_told_and_a_sync_goes_through_once_it_is_gone() {
    let world = World::new().await;
    let theirs = world.plant("ghcr");
    world.account.create(registry("ghcr")).await;
    world.attach(json!({})).await;
    let row = world.until("ghcr", "error").await;
    assert!(row["error"].as_str().is_some_and(|error| error.starts_with("in the way")), "{row}");
    assert_eq!(row["version"], Value::Null);
    let synced = world.account.manager.act("credentials/ghcr/sync").await.expect(200);
    assert_eq!(synced["sync"][0]["state"], "error");
    assert_eq!(fs::read_to_string(&theirs).expect("it stays"), "theirs");

    fs::remove_dir_all(theirs.parent().expect("a folder")).expect("it was there");
    let synced = world.account.manager.act("credentials/ghcr/sync").await.expect(200);
    assert_eq!((&synced["sync"][0]["state"], &synced["sync"][0]["version"]), (&json!("synced"), &json!(1)));
    assert!(world.file("ghcr", ".dockerconfigjson").exists());
    world.account.member.act("credentials/ghcr/sync").await.expect(403);
    world.account.manager.act("credentials/none/sync").await.expect(404);
}

/// A sync on request pushes again, to one region or to all (S0-39).
#[tokio::test]
async fn a_sync_repairs_what_others_changed() {
    let world = World::attached().await;
    let path = format!("/v1/regions/{}", world.region);
    world.account.operator.patch(&path, json!({ "drift": "report" })).await.expect(200);
    world.account.create(basic("staging")).await;
    world.until("staging", "synced").await;
    let file = world.file("staging", "auth");
    let right = fs::read(&file).expect("a file");
    fs::write(&file, "wrong").expect("a file");
    let synced = world.account.manager.act(&format!("{}/sync", world.used())).await.expect(200);
    assert_eq!(synced, json!({ "region": world.region, "ready": true, "synced": 1, "failed": [] }));
    assert_eq!(fs::read(&file).expect("a file"), right);
    fs::remove_file(&file).expect("it was there");
    let synced = world.account.manager.act("sync").await.expect(200);
    assert_eq!((&synced["ready"], &synced["regions"][0]["region"]), (&json!(true), &json!(world.region)));
    assert_eq!(fs::read(&file).expect("a file"), right);
}

#[tokio::test]
async fn what_is_deleted_goes_and_a_purge_removes_the_files_first() {
    let world = World::attached().await;
    for name in ["soft", "hard"] {
        world.account.create(basic(name)).await;
        world.until(name, "synced").await;
    }
    world.account.manager.delete("credentials/soft").await.expect(204);
    let file = world.file("soft", "auth");
    assert!(eventually(PATIENCE, async || !file.exists()).await);
    world.account.manager.delete("credentials/hard?purge=true").await.expect(204);
    assert!(!world.file("hard", "").exists(), "it was gone before the answer");

    // Where it cannot be removed, the key stays until it can.
    world.account.create(basic("stuck")).await;
    world.until("stuck", "synced").await;
    world.order("pause").await;
    let refused = world.account.manager.delete("credentials/stuck?purge=true").await.expect(409);
    assert_eq!(
        (&refused["conflicts"][0]["kind"], &refused["conflicts"][0]["name"]),
        (&json!("region"), &json!(world.region))
    );
    assert!(world.file("stuck", "auth").exists());
    world.order("resume").await;
    let file = world.file("stuck", "auth");
    assert!(eventually(PATIENCE, async || !file.exists()).await);
}

#[tokio::test]
async fn a_region_is_paused_emptied_and_filled_again() {
    let world = World::attached().await;
    world.account.create(basic("staging")).await;
    world.until("staging", "synced").await;
    let file = world.file("staging", "auth");
    world.order("pause").await;
    let paused = world.account.manager.act(&format!("{}/sync", world.used())).await;
    assert!(paused.body["detail"].as_str().is_some_and(|detail| detail.contains("paused")), "{}", paused.body);
    paused.assert_status(409);
    assert_eq!(world.account.manager.act("sync").await.expect(200)["regions"], json!([]));
    world.order("drain").await;
    assert!(eventually(PATIENCE, async || !file.exists()).await);
    world.account.manager.act(&format!("{}/ensure", world.used())).await.expect(409);
    world.order("resume").await;
    world.until("staging", "synced").await;
    assert!(file.exists());
}
