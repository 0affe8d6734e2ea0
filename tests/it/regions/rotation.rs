//! A change reaches every region, and only a change does.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::site::{Directory, Webhook};
use super::world::World;

/// One rotation at the broker reaches every region (S0-04, S0-05, S4-25).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_reaches_every_region() {
    let world = World::start().await;
    world.create(30).await;
    let mut webhooks = Vec::new();
    let mut regions = Vec::new();
    for _ in 0..10 {
        let webhook = Arc::new(Webhook::start().await);
        regions.push(world.attached(&Arc::new(Directory::new())).await);
        regions.push(world.attached(&webhook).await);
        webhooks.push(webhook);
    }
    let begun = Instant::now();
    world.until_in_place(&regions).await;
    println!("30 credentials are in {} regions after {:?}", regions.len(), begun.elapsed());
    let writes = || webhooks.iter().map(|webhook| webhook.receiver.counts().written).collect::<Vec<_>>();
    assert_eq!(writes(), vec![30; 10]);

    let begun = Instant::now();
    world.rotate("c-0", "p-one-end").await;
    world.until_in_place(&regions).await;
    println!("one rotation is in all of them after {:?}", begun.elapsed());
    assert_eq!(writes(), vec![31; 10]);

    let begun = Instant::now();
    for number in 0..8 {
        world.rotate(&format!("c-{number}"), "p-eight-end").await;
    }
    world.until_in_place(&regions).await;
    println!("eight rotations are in all of them after {:?}", begun.elapsed());

    // A new version of the same content, and what is no content, is not sent.
    let before = writes();
    for order in ["pause", "resume"] {
        for region in &regions {
            world.order(region, order).await;
        }
        if order == "pause" {
            world.rotate("c-0", "p-other-end").await;
            world.rotate("c-0", "p-eight-end").await;
        }
    }
    let patch = json!({ "title": "Another title", "labels": { "team": "web" } });
    world.client.patch("credentials/c-1", patch).await.expect(200);
    for region in &regions {
        super::world::until("the row has the new version", async || world.row("c-0", region).await["version"] == 5)
            .await;
    }
    assert_eq!(writes(), before);
    for webhook in &webhooks {
        webhook.assert_well_treated();
    }
}
