//! What stands under a name follows the name.

use std::sync::Arc;

use serde_json::json;

use super::site::{Directory, Webhook};
use super::world::{Region, World, login};
use crate::support::receiver::{Fault, Meets};

/// Each finds its new place held by the other.
#[tokio::test]
async fn two_credentials_that_swap_names_both_end_in_place() {
    let (world, regions, webhook) = two_regions(&["a", "b"]).await;
    // Each has another place to remove by now.
    for name in ["a", "b"] {
        world.rename(name, &format!("{name}-2")).await;
    }
    world.until_in_place(&regions).await;
    all_at_once(&world, &regions, &[("a-2", "parked"), ("b-2", "a-2"), ("parked", "b-2")]).await;
    webhook.assert_well_treated();
    for region in &regions {
        let held = region.site.held(&world.account).await;
        assert_eq!((&held["a-2"], &held["b-2"]), (&login("p-b-end"), &login("p-a-end")));
    }
}

#[tokio::test]
async fn three_credentials_that_pass_their_names_on_end_in_place() {
    let (world, regions, webhook) = two_regions(&["a", "b", "c"]).await;
    all_at_once(&world, &regions, &[("a", "parked"), ("b", "a"), ("c", "b"), ("parked", "c")]).await;
    webhook.assert_well_treated();
}

/// A new credential under the name of one that was deleted.
#[tokio::test]
async fn a_new_credential_takes_the_place_of_one_that_was_deleted() {
    let (world, regions, webhook) = two_regions(&["a"]).await;
    for region in &regions {
        world.order(region, "pause").await;
    }
    world.client.delete("credentials/a").await.expect(204);
    world.basic("a", "p-new-end").await;
    for region in &regions {
        world.order(region, "resume").await;
    }
    world.until_in_place(&regions).await;
    webhook.assert_well_treated();
}

/// Nobody knows at which of the places something arrived.
#[tokio::test]
async fn a_credential_that_is_renamed_again_and_again_while_a_region_is_down_is_there_once() {
    for fault in [Fault::DropBefore, Fault::DropAfter] {
        let (world, regions, webhook) = two_regions(&["a"]).await;
        webhook.receiver.fault(fault, Meets::All);
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "d")] {
            world.rename(from, to).await;
            world.until_state(to, &regions[1], "error").await;
            let asked = webhook.receiver.counts().requests;
            world.client.act(&format!("credentials/{to}/sync")).await.expect(200);
            assert!(webhook.receiver.counts().requests > asked, "it was tried under its new name");
        }
        webhook.receiver.heal();
        world.until_in_place(&regions).await;
        webhook.assert_well_treated();
    }
}

/// A receiver is told the region's name: it is part of what was sent.
#[tokio::test]
async fn renaming_a_region_between_two_tries_leaves_nothing_stuck() {
    let (world, mut regions, webhook) = two_regions(&["a"]).await;
    webhook.receiver.fault(Fault::DropAfter, Meets::All);
    world.rotate("a", "p-rotated-end").await;
    world.until_state("a", &regions[1], "error").await;
    let renamed = format!("{}-renamed", regions[1].name);
    world.client.patch(&format!("/v1/regions/{}", regions[1].name), json!({ "name": renamed })).await.expect(200);
    regions[1].name = renamed;
    webhook.receiver.heal();
    world.until_in_place(&regions).await;
    webhook.assert_understood();
}

/// A directory and a receiver, with these credentials in place.
async fn two_regions(names: &[&str]) -> (World, Vec<Region>, Arc<Webhook>) {
    let world = World::start().await;
    for name in names {
        world.basic(name, &format!("p-{name}-end")).await;
    }
    let webhook = Arc::new(Webhook::start().await);
    let regions = vec![world.attached(&Arc::new(Directory::new())).await, world.attached(&webhook).await];
    world.until_in_place(&regions).await;
    (world, regions, webhook)
}

/// Renames while the regions are paused, so that they see only the end of it.
async fn all_at_once(world: &World, regions: &[Region], renames: &[(&str, &str)]) {
    for region in regions {
        world.order(region, "pause").await;
    }
    for (from, to) in renames {
        world.rename(from, to).await;
    }
    for region in regions {
        world.order(region, "resume").await;
    }
    world.until_in_place(regions).await;
}
