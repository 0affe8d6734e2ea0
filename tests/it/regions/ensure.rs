//! The hook before a deployment (S0-40).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::site::{Directory, Site, Webhook};
use super::stream::streamed;
use super::world::{World, until};
use crate::support::receiver::{Fault, Meets};
use crate::support::reply::text;

/// `ensure` returns once every credential is in the new region (S0-04, S0-40).
#[tokio::test]
async fn a_region_that_is_new_is_complete_before_it_returns_and_left_alone_after() {
    let world = World::start().await;
    world.create(40).await;
    let (directory, webhook) = (Arc::new(Directory::new()), Arc::new(Webhook::start().await));
    let regions = [world.attached(&directory).await, world.attached(&webhook).await];
    // Nobody has waited: the loop may be on its way, or not have begun.
    for region in &regions {
        let (status, told) = world.work(region, "ensure").await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(told, json!({ "region": region.name, "ready": true, "synced": 40, "failed": [] }));
        assert_eq!(region.site.held(&world.account).await, world.wanted().await);
    }
    let (stamps, counts) = (directory.stamps(&world.account), webhook.receiver.counts());
    for region in &regions {
        let (status, told) = world.work(region, "ensure").await;
        assert_eq!((status, &told["synced"]), (200, &json!(40)), "{told}");
    }
    assert!(directory.stamps(&world.account) == stamps, "files were written again");
    assert_eq!(webhook.receiver.counts(), counts);
    webhook.assert_well_treated();
}

/// One that the account does not use yet is used from then on.
#[tokio::test]
async fn progress_is_told_in_order_up_to_the_last() {
    let world = World::start().await;
    world.create(20).await;
    let webhook = Arc::new(Webhook::start().await);
    let region = world.region(&webhook, json!({})).await;
    let told = streamed(&world, &region, "ensure").await;
    assert_eq!((&told.result["ready"], &told.result["synced"]), (&json!(true), &json!(20)), "{told:?}");
    assert_eq!(webhook.held(&world.account).await.len(), 20);
    let done: Vec<_> = told.progress.iter().map(|step| step["done"].as_u64().expect("a number")).collect();
    assert_eq!(done, (1..=20).collect::<Vec<_>>());
    let mut names: Vec<_> = told.progress.iter().map(|step| text(&step["credential"])).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 20, "each is told once");
    for step in &told.progress {
        let expected = (&json!(20), &json!(region.name), &json!("synced"));
        assert_eq!((&step["total"], &step["region"], &step["state"]), expected);
    }
    assert_eq!(world.counts(&region).await["synced"], 20);
}

#[tokio::test]
async fn it_names_what_is_not_in_place() {
    let world = World::start().await;
    world.create(5).await;
    let webhook = Arc::new(Webhook::start().await);
    webhook.plant(&world.account, "c-1").await;
    let region = world.attached(&webhook).await;
    let told = streamed(&world, &region, "ensure").await;
    assert_eq!((&told.result["ready"], &told.result["synced"]), (&json!(false), &json!(4)), "{told:?}");
    assert_eq!(told.progress.iter().filter(|step| step["state"] == "error").count(), 1);
    // One that is down is tried a few times before it is given up.
    webhook.uproot(&world.account, "c-1").await;
    webhook.receiver.fault(Fault::Answer { status: 503, retry_after: None }, Meets::Next(2));
    let (status, told) = world.work(&region, "ensure").await;
    assert_eq!((status, &told["ready"]), (200, &json!(true)), "{told}");
    webhook.receiver.fault(Fault::Answer { status: 503, retry_after: None }, Meets::All);
    world.rotate("c-2", "p-rotated-end").await;
    let (status, told) = world.work(&region, "ensure").await;
    assert_eq!((status, &told["failed"][0]["credential"]), (409, &json!("c-2")), "{told}");
    assert!(text(&told["failed"][0]["error"]).starts_with("not reachable: "), "{told}");
    webhook.receiver.heal();
    world.until_in_place(std::slice::from_ref(&region)).await;
    webhook.assert_well_treated();
}

#[tokio::test]
async fn a_region_that_takes_no_part_is_refused() {
    let world = World::start().await;
    world.basic("one", "p-one-end").await;
    let directory = Arc::new(Directory::new());
    let region = world.region(&directory, json!({})).await;
    for (order, word) in [("pause", "paused"), ("drain", "emptied")] {
        world.order(&region, order).await;
        let (status, problem) = world.work(&region, "ensure").await;
        assert_eq!(status, 409, "{problem}");
        assert!(text(&problem["detail"]).contains(word), "{problem}");
    }
    assert!(directory.held(&world.account).await.is_empty());
    world.client.get(&region.path()).await.expect(404);
    world.order(&region, "resume").await;
    assert_eq!(world.work(&region, "ensure").await.0, 200);
}

/// What it has begun it brings to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_leaves_nothing_half_done() {
    let world = World::start().await;
    world.create(40).await;
    let webhook = Arc::new(Webhook::start().await);
    webhook.receiver.fault(Fault::Delay(Duration::from_millis(100)), Meets::All);
    let region = world.region(&webhook, json!({})).await;

    let mut socket = TcpStream::connect(world.server.address()).expect("a connection");
    let (account, token) = (&world.account, world.server.operator_token());
    let request = format!(
        "POST /v1/accounts/{account}/regions/{}/ensure HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\
         Accept: text/event-stream\r\nAuthorization: Bearer {token}\r\n\r\n",
        region.name
    );
    socket.write_all(request.as_bytes()).expect("it is sent");
    let mut lines = BufReader::new(socket).lines().map(|line| line.expect("it goes on"));
    assert!(lines.any(|line| line.starts_with("event: progress") || line.starts_with("event:progress")));
    drop(lines);
    let held = webhook.held(&world.account).await.len();
    assert!((1..40).contains(&held), "{held} were there when the client hung up");

    until("all are there", async || webhook.held(&world.account).await.len() == 40).await;
    until("all are said to be", async || world.counts(&region).await["synced"] == 40).await;
    webhook.assert_well_treated();
    let action = format!("/v1/audit?action=region.ensure&region={}", region.name);
    until("it was brought to its end", async || !world.client.all(&action).await.is_empty()).await;
}
