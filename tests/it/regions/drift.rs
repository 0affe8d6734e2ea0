//! What others change by hand is found, and put right or told.

use std::sync::Arc;

use serde_json::json;

use super::site::{Cluster, Directory, Site, Vault};
use super::world::{World, broker, login, until};
use crate::support::reply::text;

#[tokio::test]
async fn in_directories() {
    found_by_policy(Arc::new(Directory::new()), Arc::new(Directory::new())).await;
}

#[tokio::test]
async fn in_clusters() {
    found_by_policy(Arc::new(Cluster::start().await), Arc::new(Cluster::start().await)).await;
}

#[tokio::test]
async fn in_vaults() {
    found_by_policy(Arc::new(Vault::start().await), Arc::new(Vault::start().await)).await;
}

async fn found_by_policy<S: Site + 'static>(repaired: Arc<S>, reported: Arc<S>) {
    let looking = broker().env("BURSAR_SYNC__VERIFY_INTERVAL_SECONDS", "1");
    let world = World::on(looking.start().await).await;
    for name in ["edited", "removed", "alone"] {
        world.basic(name, &format!("p-{name}-end")).await;
    }
    let repairs = world.region(&repaired, json!({ "drift": "repair" })).await;
    let reports = world.region(&reported, json!({ "drift": "report" })).await;
    let regions = [repairs.clone(), reports.clone()];
    for region in &regions {
        world.attach(region).await;
    }
    world.until_in_place(&regions).await;
    let alone = reported.trace(&world.account, "alone").await;

    repaired.tamper(&world.account, "edited").await;
    repaired.take(&world.account, "removed").await;
    let wanted = world.wanted().await;
    until("it is put right", async || repaired.held(&world.account).await == wanted).await;
    for name in ["edited", "removed"] {
        world.until_state(name, &repairs, "synced").await;
    }

    reported.tamper(&world.account, "edited").await;
    reported.take(&world.account, "removed").await;
    let row = world.until_state("edited", &reports, "drifted").await;
    assert!(text(&row["error"]).contains("somebody changed it"), "{row}");
    let row = world.until_state("removed", &reports, "drifted").await;
    assert!(text(&row["error"]).contains("somebody"), "{row}");
    assert_ne!(reported.held(&world.account).await, wanted, "it is only told");
    assert_eq!(world.counts(&reports).await["drifted"], 2);
    let plan = world.client.get(&format!("{}/plan", reports.path())).await.expect(200);
    assert_eq!((&plan["summary"]["drifted"], &plan["summary"]["unchanged"]), (&json!(2), &json!(1)), "{plan}");

    // Ensuring leaves what others did, and says so; a sync puts it right.
    let (status, told) = world.work(&reports, "ensure").await;
    assert_eq!((status, told["failed"].as_array().map(Vec::len)), (409, Some(2)), "{told}");
    let shown = world.client.act("credentials/edited/sync").await.expect(200);
    assert_eq!(super::world::row_of(&shown, &reports)["state"], "synced", "{shown}");
    assert_eq!(reported.held(&world.account).await["edited"], login("p-edited-end"));
    let (status, told) = world.work(&reports, "sync").await;
    assert_eq!((status, &told["synced"]), (200, &json!(3)), "{told}");
    world.until_in_place(&regions).await;

    // A new version ends the matter too.
    reported.tamper(&world.account, "edited").await;
    world.until_state("edited", &reports, "drifted").await;
    world.rotate("edited", "p-rotated-end").await;
    world.until_in_place(&regions).await;
    assert_eq!(reported.trace(&world.account, "alone").await, alone, "what was well was not touched");
}
