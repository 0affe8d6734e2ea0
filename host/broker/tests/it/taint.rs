//! What a plugin wrote is stored with the version, and follows the value.

use crate::support::submitted;
use bursar_api as api;
use bursar_credentials::View;
use bursar_kernel::plugin::Taints;
use serde_json::{Value, json};

use crate::support::{PROVIDER, World, account};

/// Each place with its sources, `?` where those are assumed.
fn told(taints: &Taints) -> Vec<String> {
    let places: Vec<&str> = taints.places().collect();
    let sources = |place: &str| {
        let taint = taints.about(place).next().unwrap();
        let mark = if taint.unrecorded { "?" } else { "" };
        format!("{place}{mark}: {}", taint.sources.iter().cloned().collect::<Vec<_>>().join("+"))
    };
    places.into_iter().map(sources).collect()
}

impl World {
    async fn two(&self) -> View {
        self.store_with("two", PROVIDER, json!({ "zone": "example.com", "token": "s3cret", "second": "other" })).await
    }

    async fn change(&self, data: Value) -> u32 {
        let patch = json!({ "data": data });
        let changed = self
            .broker
            .credentials
            .update(&self.caller, &account(), &"two".into(), submitted::<api::PatchCredential, _>(patch), None, false)
            .await;
        changed.unwrap().credential.version
    }

    async fn back_to(&self, version: u32) {
        self.broker.credentials.restore_version(&self.caller, &account(), &"two".into(), version, None).await.unwrap();
    }

    /// What a call of the network plane is told.
    async fn heard(&self) -> Vec<String> {
        self.broker.credentials.probe(&self.caller, &account(), &"two".into()).await.unwrap();
        told(&self.provider.taints())
    }
}

#[tokio::test]
async fn taint_is_stored_with_the_version() {
    let world = World::new().await;
    world.provider.writes("other s3cret");
    world.two().await;
    let written = ["/second: /second+/token"];
    assert_eq!(world.heard().await, written);
    world.change(json!({ "zone": "example.org" })).await;
    assert_eq!(world.heard().await, written);
    assert_eq!(world.change(json!({ "second": "other s3cret" })).await, 2, "nothing changed");
    assert_eq!(world.heard().await, written);
    world.change(json!({ "second": "new" })).await;
    assert_eq!(world.heard().await, Vec::<String>::new());
    world.provider.writes("new s3cret");
    world.change(json!({ "zone": "example.net" })).await;
    assert_eq!(world.heard().await, written, "check may write at any time");
    world.back_to(3).await;
    assert_eq!(world.heard().await, Vec::<String>::new());
    world.back_to(1).await;
    assert_eq!(world.heard().await, written);
}

#[tokio::test]
async fn taint_is_told_before_anything_is_stored() {
    let world = World::new().await;
    let data = json!({ "zone": "example.com", "token": "s3cret", "second": "other" });
    let body = json!({ "type": PROVIDER, "name": "two", "data": data });
    world.provider.writes("s3cret");
    world
        .broker
        .credentials
        .validate(&world.caller, &account(), submitted::<api::CreateCredential, _>(body.clone()), true)
        .await
        .unwrap();
    assert_eq!(told(&world.provider.taints()), ["/second: /second+/token"]);
    world.provider.writes("s3cret");
    world
        .broker
        .credentials
        .create(&world.caller, &account(), submitted::<api::CreateCredential, _>(body), None, true)
        .await
        .unwrap();
    assert_eq!(told(&world.provider.taints()), ["/second: /second+/token"]);
    // A change of something else asks about what is stored.
    let patch = json!({ "title": "New" });
    world
        .broker
        .credentials
        .update(&world.caller, &account(), &"two".into(), submitted::<api::PatchCredential, _>(patch), None, true)
        .await
        .unwrap();
    assert_eq!(told(&world.provider.taints()), ["/second: /second+/token"]);
}

/// Data of a build that kept no account of it: each secret may hold the other.
#[tokio::test]
async fn what_an_earlier_build_stored_is_taken_for_the_worst() {
    let world = World::new().await;
    world.two().await;
    world.store.forget_field("taints");
    let assumed = ["/second?: /second+/token", "/token?: /second+/token"];
    assert_eq!(world.heard().await, assumed);
    assert_eq!(world.change(json!({ "zone": "example.org" })).await, 2);
    assert_eq!(world.heard().await, assumed);
    // One that is given again is a person's own, also where it is the same.
    assert_eq!(world.change(json!({ "second": "other" })).await, 3);
    assert_eq!(world.heard().await, ["/token?: /second+/token"]);
    assert_eq!(world.change(json!({ "second": "other", "token": "s3cret" })).await, 4);
    assert_eq!(world.heard().await, Vec::<String>::new());
    assert_eq!(world.change(json!({ "second": "other", "token": "s3cret" })).await, 4, "nothing changed");
    world.back_to(1).await;
    assert_eq!(world.heard().await, assumed);
    // What check writes of it holds all that it may hold.
    world.provider.writes("written");
    world.change(json!({ "zone": "example.net", "second": "x" })).await;
    assert_eq!(world.heard().await, ["/second: /second+/token", "/token?: /second+/token"]);
}
