//! What is not ours is never touched, whatever happens to what is.

use std::sync::Arc;

use serde_json::json;

use super::site::{Cluster, Directory, Site, Vault, Webhook};
use super::world::{Region, World, login, until};
use crate::support::reply::text;

#[tokio::test]
async fn in_a_directory() {
    survives_everything(Arc::new(Directory::new())).await;
}

#[tokio::test]
async fn in_a_cluster() {
    survives_everything(Arc::new(Cluster::start().await)).await;
}

#[tokio::test]
async fn in_a_vault() {
    survives_everything(Arc::new(Vault::start().await)).await;
}

#[tokio::test]
async fn at_a_receiver() {
    let site = Arc::new(Webhook::start().await);
    survives_everything(Arc::clone(&site)).await;
    site.assert_understood();
    assert!(site.receiver.counts().foreign > 0, "it was asked for somebody else's places");
}

async fn survives_everything(site: Arc<impl Site + 'static>) {
    let world = World::start().await;
    let region = world.region(&site, json!({})).await;
    let theirs = Theirs::plant(&world, &region).await;
    for name in ["taken", "free", "moving"] {
        world.basic(name, &format!("p-{name}-end")).await;
    }

    // It is there before ours: attach, ensure, sync, sync of the one, rotate.
    world.attach(&region).await;
    for work in ["ensure", "sync"] {
        let (status, told) = world.work(&region, work).await;
        assert_eq!((status, &told["ready"], &told["synced"]), (409, &json!(false), &json!(2)), "{told}");
        assert_eq!(
            (told["failed"].as_array().map(Vec::len), &told["failed"][0]["credential"]),
            (Some(1), &json!("taken"))
        );
        assert!(text(&told["failed"][0]["error"]).starts_with("in the way: "), "{told}");
        theirs.assert_stands(&["taken"]).await;
    }
    world.client.act("credentials/taken/sync").await.expect(200);
    let row = world.until_state("taken", &region, "error").await;
    assert!(text(&row["error"]).starts_with("in the way: ") && text(&row["error"]).len() > 20, "{row}");
    world.rotate("taken", "p-rotated-end").await;
    world.client.act("credentials/taken/sync").await.expect(200);
    theirs.assert_stands(&["taken"]).await;
    let held = site.held(&world.account).await;
    assert_eq!(held.keys().collect::<Vec<_>>(), ["free", "moving"]);

    // A plan says so beforehand, and renaming onto it leaves both.
    let plan = world.client.get(&format!("{}/plan", region.path())).await.expect(200);
    if site.target() != "webhook" {
        assert_eq!(plan["summary"]["foreign"], 1, "{plan}");
    }
    world.rename("moving", "target").await;
    world.until_state("target", &region, "error").await;
    theirs.assert_stands(&["taken", "target"]).await;
    assert!(site.held(&world.account).await.contains_key("moving"), "the old place is better than none");
    world.rename("target", "moving").await;
    world.until_state("moving", &region, "synced").await;

    // Once it is gone, ours is put there when somebody says so.
    site.uproot(&world.account, "taken").await;
    let (status, told) = world.work(&region, "sync").await;
    assert_eq!((status, &told["ready"]), (200, &json!(true)), "{told}");
    assert_eq!(site.held(&world.account).await["taken"], login("p-rotated-end"));
    world.until_in_place(std::slice::from_ref(&region)).await;

    // Taking ours away leaves theirs: delete, purge, drain, detach.
    world.client.delete("credentials/taken").await.expect(204);
    until("it is removed", async || !site.held(&world.account).await.contains_key("taken")).await;
    site.plant(&world.account, "taken").await;
    let theirs = theirs.again().await;
    world.client.delete("credentials/moving?purge=true").await.expect(204);
    assert_eq!(site.held(&world.account).await.into_keys().collect::<Vec<_>>(), ["free"]);
    world.basic("taken", "p-again-end").await;
    world.until_state("taken", &region, "error").await;
    world.order(&region, "drain").await;
    until("it is emptied", async || site.held(&world.account).await.is_empty()).await;
    theirs.assert_stands(&["taken"]).await;
    world.order(&region, "resume").await;
    world.until_state("free", &region, "synced").await;
    world.until_state("taken", &region, "error").await;
    world.client.delete("credentials/taken?purge=true").await.expect(204);
    world.client.delete(&region.path()).await.expect(204);
    until("it is let go of", async || world.client.get(&region.path()).await.status == 404).await;
    assert!(site.held(&world.account).await.is_empty());
    theirs.assert_stands(&["taken", "target", "bystander"]).await;
    world.client.delete(&format!("/v1/regions/{}", region.name)).await.expect(204);
}

/// What others have at places where ours could go, and how it was when they put it there.
struct Theirs<'a> {
    world: &'a World,
    region: &'a Region,
    traces: Vec<(&'static str, String)>,
}

impl<'a> Theirs<'a> {
    async fn plant(world: &'a World, region: &'a Region) -> Self {
        for name in PLACES {
            region.site.plant(&world.account, name).await;
        }
        Self { world, region, traces: Vec::new() }.again().await
    }

    /// Takes note of how it is now.
    async fn again(self) -> Self {
        let mut traces = Vec::new();
        for name in PLACES {
            traces.push((name, self.region.site.trace(&self.world.account, name).await));
        }
        Self { traces, ..self }
    }

    async fn assert_stands(&self, names: &[&str]) {
        for (name, before) in self.traces.iter().filter(|(name, _)| names.contains(name)) {
            assert_eq!(&self.region.site.trace(&self.world.account, name).await, before, "{name}");
        }
    }
}

const PLACES: [&str; 3] = ["taken", "target", "bystander"];
