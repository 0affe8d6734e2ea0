//! Two brokers over one database keep the same regions: each change is pushed by
//! one of them, and once.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;

use super::site::Webhook;
use super::world::{World, basic, broker};
use crate::support::cluster::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_push_each_change_once() {
    let (cluster, first) = Cluster::of(broker()).await;
    let second = cluster.node("second", broker()).start().await;
    let world = World::on(first).await;
    let webhook = Arc::new(Webhook::start().await);
    let region = world.attached(&webhook).await;
    let elsewhere = second.operator().within(&world.account);
    let node = |number: usize| if number.is_multiple_of(2) { &world.client } else { &elsewhere };

    let creates = (0..40).map(|number| node(number).post("credentials", basic(&format!("c-{number}"), "p-one-end")));
    for made in join_all(creates).await {
        made.expect(201);
    }
    let regions = [region];
    world.until_in_place(&regions).await;
    assert_eq!(webhook.receiver.counts().written, 40);

    let patch = json!({ "data": { "password": "p-two-end" } });
    let rotations = (0..40).map(|number| {
        let (client, patch) = (node(number), patch.clone());
        async move { client.patch(&format!("credentials/c-{number}"), patch).await }
    });
    for rotated in join_all(rotations).await {
        rotated.expect(200);
    }
    world.until_in_place(&regions).await;
    assert_eq!(webhook.receiver.counts().written, 80);
    webhook.assert_well_treated();
}
