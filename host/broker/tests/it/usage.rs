//! Who depends on a credential and who has used it.

use std::time::Duration;

use bursar_credentials::Protocol;
use bursar_kernel::Kind;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use serde_json::json;

use crate::support::{PROVIDER, REGISTRY, World, account, zone};

#[tokio::test(start_paused = true)]
async fn uses_are_told_by_protocol_consumer_and_actor() {
    let world = World::new().await;
    world.store("ghcr", REGISTRY, "image-prefix", &["ghcr.io"]).await;
    world.bind("app:web", "image-pull", "ghcr").await.unwrap();
    world.bind("app:api", "image-pull", "ghcr").await.unwrap();
    let ghcr = Reference::from("ghcr");
    let workload = world.someone("workload", json!({})).await;
    world.broker.credentials.reveal(&world.caller, &account(), &ghcr, None).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    world.broker.credentials.materialize(&world.caller, &account(), &ghcr, None).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    world.broker.bindings.resolve(&workload, &account(), "app:web", "image-pull", Some("text")).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    world.broker.bindings.resolve_image(&workload, &account(), "ghcr.io/x/y", None).await.unwrap();

    let usage = world.broker.bindings.usage(&world.caller, &account(), &ghcr).await.unwrap();
    let told: Vec<_> = usage
        .uses
        .iter()
        .map(|used| (used.way.protocol, used.way.consumer.as_ref().map(ToString::to_string), used.way.actor.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Protocol::ResolveImage, None, "workload:someone"),
            (Protocol::Resolve, Some("app:web".to_owned()), "workload:someone"),
            (Protocol::Materialize, None, "operator:initial"),
            (Protocol::Reveal, None, "operator:initial"),
        ]
    );
    assert!(usage.is_default);
    let places: Vec<_> = usage.bindings.iter().map(|binding| binding.place.in_path()).collect();
    assert_eq!(places, ["app:api/image-pull", "app:web/image-pull"]);
    for role in ["member", "auditor", "workload"] {
        let caller = world.someone(role, json!({})).await;
        assert_eq!(
            world.broker.bindings.usage(&caller, &account(), &ghcr).await.unwrap_err().kind,
            Kind::Denied,
            "{role}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_is_written_once_a_minute_and_forgotten_in_the_end() {
    let world = World::new().await;
    let times = async || {
        let usage = world.broker.bindings.usage(&world.caller, &account(), &zone()).await.unwrap();
        usage.uses.into_iter().map(|used| (used.way.protocol, used.last_used_at)).collect::<Vec<_>>()
    };
    let reveal = async || world.broker.credentials.reveal(&world.caller, &account(), &zone(), None).await.unwrap();
    reveal().await;
    let first = times().await;
    world.pass(Duration::from_secs(59)).await;
    reveal().await;
    assert_eq!(times().await, first);
    let view = world.broker.credentials.get(&world.caller, &account(), &zone()).await.unwrap();
    assert!(view.last_used_at.unwrap() > first[0].1, "when it was last used is exact");
    world.pass(Duration::from_secs(1)).await;
    reveal().await;
    let second = times().await;
    assert!(second.len() == 1 && second[0].1 > first[0].1);

    world.create("other", PROVIDER, false).await.unwrap();
    world.pass(Duration::from_hours(89 * 24)).await;
    world.present("v").await.unwrap();
    world.broker.credentials.probe(&world.caller, &account(), &zone()).await.unwrap();
    assert_eq!(world.broker.sweep().await.unwrap(), 0);
    world.pass(Duration::from_hours(2 * 24)).await;
    assert_eq!(world.broker.sweep().await.unwrap(), 1);
    let mut left: Vec<_> = times().await.into_iter().map(|(protocol, _)| protocol).collect();
    left.sort_by_key(|protocol| format!("{protocol:?}"));
    assert_eq!(left, [Protocol::Dns, Protocol::Probe]);
    assert_eq!(world.store.count(Table::UsedBy), 2);
}
