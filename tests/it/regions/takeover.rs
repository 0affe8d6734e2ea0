//! A node that ends in the middle of a push: another one goes on with it within
//! seconds, and who waits for a region is served.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::site::Webhook;
use super::world::{Region, World, basic};
use crate::crash::signal;
use crate::nodes::verbose;
use crate::support::Server;
use crate::support::cluster::Cluster;
use crate::support::receiver::{Fault, Meets};
use crate::support::server::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_node_was_at_is_taken_over_within_seconds() {
    let Cut { world, webhook, region, killed, .. } = cut_off().await;
    // Who waits for it waits for that.
    let path = format!("regions/{}/ensure", region.name);
    let ensured = world.client.post(&path, json!({})).await.expect(200);
    println!("ensured {:.1?} after the kill", killed.elapsed());
    assert_eq!(ensured["ready"], true, "{ensured}");
    world.until_in_place(&[region]).await;
    assert_eq!(webhook.receiver.counts().written, 1, "once");
    webhook.assert_understood();
    let told = verbose(&world.server).await;
    let states: Vec<_> = told["nodes"].as_array().expect("nodes").iter().map(|node| &node["state"]).collect();
    assert!(states.contains(&&json!("silent")) && states.contains(&&json!("live")), "{told}");
}

/// Nobody waits, and the next walk of everything is a minute away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_taken_over_without_being_asked_for() {
    let Cut { cluster, world, webhook, region, killed } = cut_off().await;
    let in_place = async || webhook.receiver.counts().written == 1;
    assert!(eventually(Duration::from_secs(30), in_place).await, "{}", world.server.log());
    println!("in place {:.1?} after the kill", killed.elapsed());

    // One that comes back at once takes its own up, and is not waited for.
    webhook.receiver.fault(Fault::Hang, Meets::All);
    world.rotate("cut-off", "p-two-end").await;
    until_begun(&world).await;
    signal(world.server.pid(), "KILL");
    webhook.receiver.heal();
    let again = cluster.node("node-2", Server::builder()).start().await;
    let killed = Instant::now();
    let world = world.again(again);
    world.until_in_place(&[region]).await;
    println!("in place {:.1?} after the restart", killed.elapsed());
    webhook.assert_understood();
}

/// A push that the first of two nodes had begun when it was killed.
struct Cut {
    cluster: Cluster,
    /// At the second one.
    world: World,
    webhook: Arc<Webhook>,
    region: Region,
    killed: Instant,
}

async fn cut_off() -> Cut {
    let (cluster, mut nodes) = Cluster::start(2).await;
    let second = nodes.pop().expect("two nodes");
    let first = nodes.pop().expect("two nodes");
    let world = World::on(second).await;
    let webhook = Arc::new(Webhook::start().await);
    let region = world.attached(&webhook).await;
    // The second one knows the first one: it has seen it at work.
    let met = async || verbose(&world.server).await["nodes"].as_array().map(Vec::len) == Some(2);
    assert!(eventually(Duration::from_secs(10), met).await);
    webhook.receiver.fault(Fault::Hang, Meets::All);
    let elsewhere = first.operator().within(&world.account);
    elsewhere.post("credentials", basic("cut-off", "p-one-end")).await.expect(201);
    until_begun(&world).await;
    signal(first.pid(), "KILL");
    let killed = Instant::now();
    webhook.receiver.heal();
    Cut { cluster, world, webhook, region, killed }
}

async fn until_begun(world: &World) {
    let begun = async || world.client.get("credentials/cut-off").await.body["sync"][0]["state"] == "syncing";
    assert!(eventually(Duration::from_secs(10), begun).await);
}
