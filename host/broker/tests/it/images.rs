//! Which credential an image is pulled with (D-5).

use crate::support::submitted;
use bursar_api as api;
use std::time::Duration;

use bursar_bindings::Source;
use bursar_credentials::Deletion;
use bursar_kernel::Kind;
use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use serde_json::json;

use crate::support::{CERTIFICATE, MIRROR, REGISTRY, World, account, violations};

async fn pulled_with(world: &World, image: &str) -> Option<(String, String)> {
    match world.broker.bindings.resolve_image(&world.caller, &account(), image, None).await {
        Ok(resolved) => {
            assert_eq!(resolved.source, Source::Image);
            Some((resolved.credential.name, resolved.selector.unwrap().value))
        }
        Err(error) => {
            assert_eq!(error.kind, Kind::NotFound, "{image}: {error}");
            None
        }
    }
}

async fn name_for(world: &World, image: &str) -> Option<String> {
    pulled_with(world, image).await.map(|(name, _)| name)
}

/// An image is matched by host and by the longest path prefix (D-5).
#[tokio::test(start_paused = true)]
async fn the_longest_prefix_of_whole_segments_wins() {
    let world = World::new().await;
    for (name, prefix) in [
        ("hub", "docker.io"),
        ("hub-acme", "docker.io/acme"),
        ("ghcr", "ghcr.io"),
        ("team", "GHCR.io/Team-A/"),
        ("app", "ghcr.io/team-a/app"),
        ("port", "registry.example.com:5000/team"),
    ] {
        world.store(name, REGISTRY, "image-prefix", &[prefix]).await;
    }
    let digest = format!("@sha256:{}", "0a".repeat(32));
    for (image, name) in [
        ("nginx", Some("hub")),
        ("nginx:1.27", Some("hub")),
        ("library/nginx", Some("hub")),
        ("docker.io/library/nginx", Some("hub")),
        ("index.docker.io/acme/app:1", Some("hub-acme")),
        ("acme/app", Some("hub-acme")),
        ("acmes/app", Some("hub")),
        ("ghcr.io/org/app:1", Some("ghcr")),
        ("ghcr.io/team-a/web", Some("team")),
        ("ghcr.io/team-a/app:2", Some("app")),
        ("ghcr.io/team-a/app/worker", Some("app")),
        ("ghcr.io/team-a/app2", Some("team")),
        ("ghcr.io/team-ab/app", Some("ghcr")),
        (&format!("registry.example.com:5000/team/app:1{digest}"), Some("port")),
        ("registry.example.com/team/app", None),
        ("registry.example.com:5001/team/app", None),
        ("registry.example.com:5000/other/app", None),
        ("evilghcr.io/team-a/app", None),
        ("ghcr.io.evil.example/team-a/app", None),
    ] {
        assert_eq!(name_for(&world, image).await.as_deref(), name, "{image}");
    }
    assert_eq!(pulled_with(&world, "ghcr.io/team-a/x").await.unwrap().1, "GHCR.io/Team-A/", "as the type tells it");
    let error =
        world.broker.bindings.resolve_image(&world.caller, &account(), "quay.io/x/y", None).await.err().unwrap();
    assert!(error.message.contains("quay.io/x/y") && error.message.contains("registry is quay.io"), "{error}");
    let error =
        world.broker.bindings.resolve_image(&world.caller, &account(), "https://ghcr.io/x", None).await.err().unwrap();
    assert_eq!(violations(&error), [("/image", "format")]);
    let detail = world.events(Action::CredentialResolve)[0].detail.clone().unwrap();
    assert_eq!((&detail["image"], &detail["matched"]), (&json!("docker.io/library/nginx"), &json!("docker.io")));
}

#[tokio::test(start_paused = true)]
async fn of_equals_the_default_wins_and_then_the_oldest() {
    let world = World::new().await;
    world.store("elsewhere", REGISTRY, "image-prefix", &["quay.io"]).await;
    for name in ["a", "b", "c"] {
        world.store(name, REGISTRY, "image-prefix", &["ghcr.io"]).await;
        world.pass(Duration::from_millis(1)).await;
    }
    assert_eq!(name_for(&world, "ghcr.io/x/y").await.as_deref(), Some("a"), "the default is for another registry");
    world.broker.credentials.set_default(&world.caller, &account(), &"c".into()).await.unwrap();
    assert_eq!(name_for(&world, "ghcr.io/x/y").await.as_deref(), Some("c"));
    world.store("narrow", MIRROR, "image-prefix", &["ghcr.io/x"]).await;
    assert_eq!(name_for(&world, "ghcr.io/x/y").await.as_deref(), Some("narrow"), "a longer prefix beats a default");
    assert_eq!(name_for(&world, "ghcr.io/z/y").await.as_deref(), Some("c"));
}

#[tokio::test(start_paused = true)]
async fn the_index_follows_changes_deletions_restores_and_scopes() {
    let world = World::new().await;
    let id =
        world.store("ghcr", REGISTRY, "image-prefix", &["ghcr.io", "ghcr.io/", "not a registry"]).await.credential.id;
    assert_eq!(world.store.count(Table::Selector), 1, "each normal form once");
    let by_id = Reference::Id(id.0);
    let image = "ghcr.io/x/y";
    let move_to = async |prefix: &str| {
        let selectors = json!([{"kind": "image-prefix", "value": prefix}]);
        let patch = json!({"data": {"token": "s3cret", "selectors": selectors}});
        world
            .broker
            .credentials
            .update(&world.caller, &account(), &by_id, submitted::<api::PatchCredential, _>(patch), None, false)
            .await
            .unwrap();
    };
    move_to("quay.io").await;
    assert_eq!((name_for(&world, image).await, name_for(&world, "quay.io/x").await.is_some()), (None, true));
    world.broker.credentials.restore_version(&world.caller, &account(), &by_id, 1, None).await.unwrap();
    assert_eq!((name_for(&world, image).await.is_some(), name_for(&world, "quay.io/x").await), (true, None));

    world.delete(&by_id, Deletion::default()).await.unwrap();
    assert_eq!(name_for(&world, image).await, None);
    world.broker.deletions.restore(&world.caller, &account(), &by_id).await.unwrap();
    assert_eq!(name_for(&world, image).await.as_deref(), Some("ghcr"));

    world.store("second", REGISTRY, "image-prefix", &["ghcr.io"]).await;
    let narrow = world.someone("workload", json!({"credentials": ["second"]})).await;
    let found = world.broker.bindings.resolve_image(&narrow, &account(), image, Some("text")).await.unwrap();
    assert_eq!((found.credential.name.as_str(), found.files.is_some()), ("second", true));
    world.broker.credentials.set_default(&world.caller, &account(), &"second".into()).await.unwrap();
    world.delete(&by_id, Deletion { force: false, purge: true }).await.unwrap();
    assert_eq!(world.store.count(Table::Selector), 1);
}

/// A hundred times the credentials, and not one record more is read.
#[tokio::test(start_paused = true)]
async fn a_lookup_does_not_grow_with_the_account() {
    let world = World::new().await;
    world.store("first", REGISTRY, "image-prefix", &["quay.io"]).await;
    world.store("certificate", CERTIFICATE, "host", &["api.example.com"]).await;
    let reads = async || {
        let before = world.store.reads();
        assert_eq!(name_for(&world, "quay.io/team/app/web").await.as_deref(), Some("first"));
        let page =
            world.broker.bindings.certificates(&world.caller, &account(), "api.example.com", None, 50).await.unwrap();
        assert_eq!(page.items.len(), 1);
        world.store.reads() - before
    };
    // The first lookup also writes down the way.
    reads().await;
    let few = reads().await;
    for number in 0..200 {
        world.store(&format!("r{number}"), REGISTRY, "image-prefix", &[&format!("r{number}.example.com")]).await;
        world.store(&format!("c{number}"), CERTIFICATE, "host", &[&format!("c{number}.example.com")]).await;
    }
    assert_eq!(reads().await, few);
}
