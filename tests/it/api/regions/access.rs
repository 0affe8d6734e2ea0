//! Who may do what with regions, and who sees what of them.

use serde_json::json;

use super::World;
use crate::support::samples::basic;

#[tokio::test]
async fn running_regions_is_the_operators() {
    let world = World::attached().await;
    let path = format!("/v1/regions/{}", world.region);
    for client in [&world.account.admin, &world.account.manager, &world.account.member, &world.account.auditor] {
        client.post("/v1/regions", json!({ "name": "x", "target": "directory" })).await.expect(403);
        client.patch(&path, json!({ "title": "mine" })).await.expect(403);
        client.delete(&path).await.expect(403);
        for act in ["pause", "resume", "drain", "check"] {
            client.act(&format!("{path}/{act}")).await.expect(403);
        }
    }
    let trail = world.account.operator.all("/v1/audit?action=region.update").await;
    assert!(trail.iter().any(|entry| entry["outcome"] == "denied"), "refusals are recorded");
}

#[tokio::test]
async fn who_uses_a_region_sees_no_settings() {
    let world = World::attached().await;
    for client in [&world.account.admin, &world.account.member, &world.account.auditor] {
        let shown = client.get(&format!("/v1/regions/{}", world.region)).await.expect(200);
        assert_eq!((&shown["name"], &shown["target"]), (&json!(world.region), &json!("directory")));
        for hidden in ["settings", "secretSettings", "login"] {
            assert!(shown.get(hidden).is_none(), "{hidden}: {shown}");
        }
        let listed = client.get("/v1/regions?limit=500").await;
        assert!(!listed.body.to_string().contains(&world.folder.path().display().to_string()));
    }
    world.account.workload.get("/v1/regions").await.expect(403);
    world.account.workload.get("regions").await.expect(403);
    world.account.member.put(&world.used(), json!({})).await.expect(403);
}

#[tokio::test]
async fn a_token_narrowed_to_other_regions_knows_none_of_this() {
    let (world, other) = (World::attached().await, World::new().await);
    let body = json!({ "role": "credentials-manager", "scope": { "regions": [other.region] } });
    let narrowed = world.account.token(body).await;
    narrowed.get(&format!("/v1/regions/{}", world.region)).await.expect(404);
    assert_eq!(narrowed.all("regions").await, Vec::<serde_json::Value>::new());
    narrowed.act(&format!("{}/ensure", world.used())).await.expect(404);
    narrowed.get(&format!("/v1/regions/{}", other.region)).await.expect(200);
    narrowed.get("events").await.expect(403);
    world.account.create(basic("staging")).await;
    let synced = narrowed.act("sync").await.expect(200);
    assert_eq!(synced, json!({ "ready": true, "regions": [] }));
}
