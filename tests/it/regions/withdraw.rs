//! Taking away what is there: deletion, purge, detaching, draining, and holding
//! still.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::site::{Cluster, Directory, Site, Vault, Webhook};
use super::world::{Region, World, broker, kill, until};
use crate::support::fault_proxy::Mode;
use crate::support::receiver::{Fault, Meets};

#[tokio::test]
async fn a_deleted_credential_goes_everywhere_and_comes_back_when_it_is_restored() {
    let world = World::start().await;
    world.create(4).await;
    let regions = [
        world.attached(&Arc::new(Directory::new())).await,
        world.attached(&Arc::new(Cluster::start().await)).await,
        world.attached(&Arc::new(Vault::start().await)).await,
        world.attached(&Arc::new(Webhook::start().await)).await,
    ];
    world.until_in_place(&regions).await;
    let id = world.client.get("credentials/c-0").await.expect(200)["id"].as_str().expect("an id").to_owned();
    world.client.delete("credentials/c-0").await.expect(204);
    world.until_in_place(&regions).await;
    world.client.act(&format!("credentials/{id}/restore")).await.expect(200);
    world.until_in_place(&regions).await;
    // A purge answers when nothing is left.
    world.client.delete("credentials/c-0?purge=true").await.expect(204);
    for region in &regions {
        assert!(!region.site.held(&world.account).await.contains_key("c-0"), "{}", region.site.target());
    }
    world.until_in_place(&regions).await;
}

#[tokio::test]
async fn a_purge_waits_for_every_region_unless_it_is_forced() {
    let world = World::start().await;
    for name in ["one", "two", "three"] {
        world.basic(name, &format!("p-{name}-end")).await;
    }
    let (well, unwell) = (Arc::new(Webhook::start().await), Arc::new(Webhook::behind_a_proxy().await));
    let regions = [world.attached(&well).await, world.attached(&unwell).await];
    world.until_in_place(&regions).await;
    let one = world.client.get("credentials/one").await.expect(200)["id"].as_str().expect("an id").to_owned();
    unwell.proxy().set(Mode::Refuse);

    for name in ["one", "two"] {
        let refused = world.client.delete(&format!("credentials/{name}?purge=true")).await.expect(409);
        let conflicts = refused["conflicts"].as_array().expect("a list");
        assert_eq!(conflicts.len(), 1, "{refused}");
        assert_eq!((&conflicts[0]["kind"], &conflicts[0]["name"]), (&json!("region"), &json!(regions[1].name)));
        world.client.get(conflicts[0]["url"].as_str().expect("a path")).await.expect(200);
        world.client.get(&format!("credentials/{name}")).await.expect(404);
    }
    assert_eq!(well.held(&world.account).await.into_keys().collect::<Vec<_>>(), ["three"]);
    world.client.delete(&format!("credentials/{one}?purge=true&force=true")).await.expect(204);
    world.client.get(&format!("credentials/{one}")).await.expect(404);

    // The one that was not forced is taken away once it can be.
    unwell.proxy().set(Mode::Pass);
    until("it is removed", async || !unwell.held(&world.account).await.contains_key("two")).await;
    assert!(unwell.held(&world.account).await.contains_key("three"));
}

#[tokio::test]
async fn detaching_removes_what_is_there_or_leaves_it() {
    let world = World::start().await;
    world.create(6).await;
    let sites = [Arc::new(Directory::new()), Arc::new(Directory::new())];
    let regions = [world.attached(&sites[0]).await, world.attached(&sites[1]).await];
    world.until_in_place(&regions).await;
    let wanted = world.wanted().await;
    let stamps = sites[1].stamps(&world.account);

    world.client.delete(&format!("{}?onDetach=remove", regions[0].path())).await.expect(204);
    world.client.delete(&format!("{}?onDetach=keep", regions[1].path())).await.expect(204);
    for region in &regions {
        until("it is let go of", async || world.client.get(&region.path()).await.status == 404).await;
    }
    assert!(sites[0].held(&world.account).await.is_empty());
    assert_eq!(sites[0].corner(), std::collections::BTreeSet::new());
    let shown = world.client.get("credentials/c-0").await.expect(200);
    assert_eq!(shown["sync"], json!([]));
    // What was left is nobody's: a change does not reach it.
    world.rotate("c-0", "p-rotated-end").await;
    world.client.delete("credentials/c-1").await.expect(204);
    tokio::time::sleep(SOME_WALKS).await;
    assert!(sites[1].held(&world.account).await == wanted && sites[1].stamps(&world.account) == stamps);
    // Attached again, what this installation left there is its own again.
    for region in &regions {
        world.attach(region).await;
    }
    world.until_in_place(&regions[..1]).await;
    until("the rest follows", async || world.counts(&regions[1]).await["synced"] == 5).await;
}

#[tokio::test]
async fn a_drained_region_is_empty_and_a_resumed_one_full() {
    let world = World::start().await;
    world.create(6).await;
    let (directory, webhook) = (Arc::new(Directory::new()), Arc::new(Webhook::start().await));
    let regions = [world.attached(&directory).await, world.attached(&webhook).await];
    world.until_in_place(&regions).await;
    for region in &regions {
        world.order(region, "drain").await;
    }
    for region in &regions {
        until("it is empty", async || region.site.held(&world.account).await.is_empty()).await;
        until("it is said to be", async || world.counts(region).await["notSynced"] == 6).await;
    }
    world.rotate("c-0", "p-rotated-end").await;
    for region in &regions {
        world.order(region, "resume").await;
    }
    world.until_in_place(&regions).await;
    webhook.assert_well_treated();
}

#[tokio::test]
async fn nothing_changes_while_a_region_is_paused() {
    let world = World::start().await;
    world.create(6).await;
    let (directory, webhook) = (Arc::new(Directory::new()), Arc::new(Webhook::start().await));
    let regions = [world.attached(&directory).await, world.attached(&webhook).await];
    world.until_in_place(&regions).await;
    for region in &regions {
        world.order(region, "pause").await;
    }
    let state = || (directory.stamps(&world.account), webhook.receiver.counts());
    let before = state();
    world.rotate("c-0", "p-rotated-end").await;
    world.rename("c-1", "renamed").await;
    world.client.delete("credentials/c-2").await.expect(204);
    world.basic("new", "p-new-end").await;
    world.client.act("credentials/c-0/sync").await.expect(200);
    for region in &regions {
        assert_eq!(world.work(region, "sync").await.0, 409);
    }
    tokio::time::sleep(SOME_WALKS).await;
    assert!(state() == before, "something was done there");
    for region in &regions {
        world.order(region, "resume").await;
    }
    world.until_in_place(&regions).await;
    webhook.assert_well_treated();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_detach_that_a_restart_cut_in_two_is_brought_to_its_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = folder.path().join("data");
    let world = World::on(broker().data_dir(&data_dir).start().await).await;
    world.create(40).await;
    let webhook = Arc::new(Webhook::start().await);
    let region = world.attached(&webhook).await;
    world.until_in_place(std::slice::from_ref(&region)).await;
    webhook.receiver.fault(Fault::Delay(Duration::from_millis(200)), Meets::All);
    let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let url = format!("{}/v1/accounts/{}/{}", world.server.base(), world.account, region.path());
    // Its answer is lost with the broker.
    let asked = tokio::spawn(client.delete(url).bearer_auth(world.server.operator_token()).send());
    until("some are removed", async || webhook.held(&world.account).await.len() < 35).await;
    kill(&world.server).await;
    let answered = asked.await.expect("it does not panic");
    assert!(answered.is_err(), "{answered:?}");
    let left = webhook.held(&world.account).await.len();
    assert!(left > 0, "it was cut off in the middle");
    println!("{left} of 40 were left at the kill");

    let world = world.again(broker().data_dir(&data_dir).start().await);
    gone(&world, &region).await;
    assert!(webhook.held(&world.account).await.is_empty());
    webhook.assert_understood();
    let trail: Vec<Value> = world.client.all("audit?action=region.detach").await;
    assert!(trail.iter().any(|entry| entry["detail"]["ended"] == true), "{trail:?}");
}

/// The account uses the region no more.
async fn gone(world: &World, region: &Region) {
    until("it is let go of", async || world.client.get(&region.path()).await.status == 404).await;
}

/// The broker walks everything each second.
const SOME_WALKS: Duration = Duration::from_millis(2500);
