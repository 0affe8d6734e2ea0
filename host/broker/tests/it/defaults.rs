//! Who is the default, who becomes it unasked, and who falls back to it (S0-22
//! to S0-25).

use crate::support::submitted;
use bursar_api as api;
use bursar_bindings::Source;
use bursar_credentials::{Deletion, ListCredentials};
use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use bursar_kernel::{Error, Kind};
use serde_json::json;

use crate::support::{MIRROR, PLAIN, REGISTRY, World, account};

const FORCE: Deletion = Deletion { force: true, purge: false };
const PURGE: Deletion = Deletion { force: false, purge: true };
const FORCED_PURGE: Deletion = Deletion { force: true, purge: true };

async fn registry(world: &World, name: &str) -> (Reference, bool) {
    let view = world.store(name, REGISTRY, "image-prefix", &[]).await;
    (Reference::Id(view.credential.id.0), view.is_default)
}

async fn is_default(world: &World, credential: &Reference) -> bool {
    let view = world.broker.credentials.get(&world.caller, &account(), credential).await.unwrap();
    let usage = world.broker.bindings.usage(&world.caller, &account(), credential).await.unwrap();
    assert_eq!(view.is_default, usage.is_default);
    view.is_default
}

async fn restore(world: &World, credential: &Reference) -> Result<bool, Error> {
    Ok(world.broker.deletions.restore(&world.caller, &account(), credential).await?.is_default)
}

async fn set_default(world: &World, credential: &Reference) {
    world.broker.credentials.set_default(&world.caller, &account(), credential).await.unwrap();
}

/// Who serves whoever has chosen nothing.
async fn fallback(world: &World) -> Option<String> {
    world.resolve("app:web", "build-pull").await.ok().map(|(name, source)| {
        assert_eq!(source, Source::Default);
        name
    })
}

/// Kind and name of each conflict.
fn conflicts(error: &Error) -> Vec<(&str, &str)> {
    assert_eq!(error.kind, Kind::Conflict);
    error.conflicts.iter().map(|conflict| (conflict.kind.as_str(), conflict.name.as_str())).collect()
}

/// A login becomes the default by itself only while it is the only one (S0-25).
#[tokio::test(start_paused = true)]
async fn only_the_one_of_its_type_becomes_the_default_unasked() {
    let world = World::new().await;
    let (first, promoted) = registry(&world, "first").await;
    assert!(promoted, "S0-24");
    let (second, promoted) = registry(&world, "second").await;
    assert!(!promoted, "S0-25");
    assert!(world.store("mirror", MIRROR, "image-prefix", &[]).await.is_default, "each type has its own");
    assert!(!world.store_with("plain", PLAIN, json!({"token": "s"})).await.is_default);
    world.delete(&first, FORCE).await.unwrap();
    // What was stored after the default was deleted must serve nobody unasked.
    let (third, promoted) = registry(&world, "third").await;
    assert!(!promoted);
    assert_eq!(fallback(&world).await, None);
    for other in [&second, &third] {
        assert!(!is_default(&world, other).await);
        world.delete(other, FORCE).await.unwrap();
    }
    let (fourth, promoted) = registry(&world, "fourth").await;
    assert!(promoted, "it is the only live one");
    assert!(is_default(&world, &fourth).await);
    assert!(!restore(&world, &first).await.unwrap(), "another one took its place");
    assert_eq!(fallback(&world).await.as_deref(), Some("fourth"));
}

#[tokio::test(start_paused = true)]
async fn a_restore_brings_the_default_back_unless_there_is_another_since() {
    let world = World::new().await;
    let (first, _) = registry(&world, "first").await;
    let (second, _) = registry(&world, "second").await;
    world.delete(&first, FORCE).await.unwrap();
    assert!(!is_default(&world, &first).await, "a deleted one is nobody's default");
    let promotions = world.events(Action::CredentialSetDefault).len();
    assert!(restore(&world, &first).await.unwrap());
    assert_eq!(world.events(Action::CredentialSetDefault).len(), promotions + 1, "the trail says so");
    assert_eq!(fallback(&world).await.as_deref(), Some("first"));
    // One that was not the default is not one after a restore.
    world.delete(&second, Deletion::default()).await.unwrap();
    assert!(!restore(&world, &second).await.unwrap());
    world.delete(&first, FORCE).await.unwrap();
    world.delete(&second, Deletion::default()).await.unwrap();
    assert!(!restore(&world, &second).await.unwrap());
    // Somebody chose another one meanwhile, which then was deleted too.
    set_default(&world, &second).await;
    world.delete(&second, FORCE).await.unwrap();
    assert!(!restore(&world, &first).await.unwrap());
    assert_eq!(fallback(&world).await, None);
    assert!(restore(&world, &second).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_default_that_others_fall_back_to_is_deleted_by_force() {
    let world = World::new().await;
    let (only, _) = registry(&world, "only").await;
    world.delete(&only, Deletion::default()).await.expect("nobody used it, and there is no other");
    assert!(restore(&world, &only).await.unwrap());
    // It was used, by one who chose nothing.
    assert_eq!(fallback(&world).await.as_deref(), Some("only"));
    for deletion in [Deletion::default(), PURGE] {
        let refused = world.delete(&only, deletion).await.unwrap_err();
        assert_eq!(conflicts(&refused), [("default", "app:web")]);
        assert!(refused.message.contains("make another one the default first"), "{refused}");
    }
    assert!(is_default(&world, &only).await);
    world.delete(&only, FORCE).await.unwrap();

    let world = World::new().await;
    let (first, _) = registry(&world, "first").await;
    let (second, _) = registry(&world, "second").await;
    let refused = world.delete(&first, Deletion::default()).await.unwrap_err();
    assert_eq!(conflicts(&refused), [("default", "whoever has chosen nothing")]);
    world.delete(&second, Deletion::default()).await.expect("it is not the default");
    restore(&world, &second).await.unwrap();
    // Everything that is in the way is told at once.
    world.bind("app:shop", "image-pull", "first").await.unwrap();
    let refused = world.delete(&first, Deletion::default()).await.unwrap_err();
    let all = [("binding", "app:shop (image-pull)"), ("default", "whoever has chosen nothing")];
    assert_eq!(conflicts(&refused), all);
    set_default(&world, &second).await;
    let refused = world.delete(&first, Deletion::default()).await.unwrap_err();
    assert_eq!(conflicts(&refused), all[..1]);
}

/// Use through a binding is no falling back.
#[tokio::test(start_paused = true)]
async fn who_is_bound_to_the_default_does_not_fall_back_to_it() {
    let world = World::new().await;
    let (only, _) = registry(&world, "only").await;
    world.bind("app:shop", "image-pull", "only").await.unwrap();
    world.resolve("app:shop", "image-pull").await.unwrap();
    let refused = world.delete(&only, Deletion::default()).await.unwrap_err();
    assert_eq!(conflicts(&refused), [("binding", "app:shop (image-pull)")]);
}

#[tokio::test(start_paused = true)]
async fn a_purge_leaves_no_place_behind() {
    let world = World::new().await;
    let (first, _) = registry(&world, "first").await;
    let (second, _) = registry(&world, "second").await;
    world.delete(&first, FORCED_PURGE).await.unwrap();
    assert_eq!(world.store.count(Table::Default), 0);
    assert!(!registry(&world, "third").await.1);
    set_default(&world, &second).await;
    // In two steps: the place it holds as a deleted one goes with it.
    world.delete(&second, FORCE).await.unwrap();
    assert_eq!(world.store.count(Table::Default), 1);
    world.delete(&second, PURGE).await.unwrap();
    assert_eq!(world.store.count(Table::Default), 0);
    // A region is no way around: a purge deletes before it removes.
    let body = json!({"name": "eu", "target": crate::support::SHELF, "settings": {"where": "there"}});
    world.broker.regions.create(&world.caller, submitted::<api::CreateRegion, _>(body), None).await.unwrap();
    world
        .broker
        .attachments
        .attach(&world.caller, &account(), &"eu".into(), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap();
    set_default(&world, &"third".into()).await;
    registry(&world, "fourth").await;
    let refused = world.delete(&"third".into(), PURGE).await.unwrap_err();
    assert_eq!(conflicts(&refused), [("default", "whoever has chosen nothing")]);
    world.delete(&"third".into(), FORCED_PURGE).await.unwrap();
    assert_eq!(world.store.count(Table::Default), 0);
}

/// On two nodes, in any order: there is one default, and one alone.
#[tokio::test(start_paused = true)]
async fn of_many_that_are_stored_first_at_once_one_is_the_default() {
    let mut first = std::collections::BTreeSet::new();
    for seed in 0..48 {
        let world = World::new().await;
        let other = world.second_node();
        world.store.yield_in_turn(seed);
        let store = |name: &'static str| {
            let broker = if name == "b" { other.clone() } else { world.broker.clone() };
            let (caller, account) = (world.caller.clone(), account());
            async move {
                let body = json!({"type": REGISTRY, "name": name, "data": {"token": "s"}});
                broker
                    .credentials
                    .create(&caller, &account, submitted::<api::CreateCredential, _>(body), None, false)
                    .await
                    .unwrap()
                    .value
                    .is_default
            }
        };
        let (a, b, c) = tokio::join!(store("a"), store("b"), store("c"));
        world.store.yield_in_turn(0);
        assert_eq!(usize::from(a) + usize::from(b) + usize::from(c), 1, "{seed}");
        first.insert((a, b, c));
    }
    assert!(first.len() > 1, "now one, now another");
}

/// Whoever goes first, nobody becomes the default beside a live one that could
/// have been chosen.
#[tokio::test(start_paused = true)]
async fn who_is_restored_at_the_moment_another_is_stored_is_the_only_default() {
    for seed in 0..48 {
        let world = World::new().await;
        let (old, _) = registry(&world, "old").await;
        world.delete(&old, Deletion::default()).await.unwrap();
        world.store.yield_in_turn(seed);
        let ((_, promoted), restored) = tokio::join!(registry(&world, "new"), restore(&world, &old));
        world.store.yield_in_turn(0);
        assert_ne!(promoted, restored.unwrap(), "{seed}: the first of them is it");
        assert_eq!(is_default(&world, &old).await, !promoted);
        assert_eq!(world.store.count(Table::Default), 1);
    }
}

/// Whoever is made the default while others list: each list has one.
#[tokio::test(start_paused = true)]
async fn a_list_that_is_read_meanwhile_has_one_default() {
    for seed in 0..96 {
        let world = World::new().await;
        registry(&world, "first").await;
        world.store.yield_in_turn(seed);
        let change = async {
            for name in ["second", "third", "fourth"] {
                let (new, _) = registry(&world, name).await;
                world.broker.credentials.set_default(&world.caller, &account(), &new).await.unwrap();
            }
        };
        let look = async {
            for _ in 0..12 {
                let query =
                    ListCredentials { type_id: Some(REGISTRY.to_owned()), limit: 50, ..ListCredentials::default() };
                let page = world.broker.credentials.list(&world.caller, &account(), &query).await.unwrap();
                assert_eq!(page.items.iter().filter(|view| view.is_default).count(), 1, "{seed}");
            }
        };
        tokio::join!(change, look);
        world.store.yield_in_turn(0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_before_there_was_an_index_counts_too() {
    let world = World::new().await;
    let (first, _) = registry(&world, "first").await;
    for number in 0..250 {
        registry(&world, &format!("other-{number}")).await;
    }
    world.store.forget(Table::LiveOfType);
    // An older version removed the record of the default with it.
    world.delete(&first, FORCE).await.unwrap();
    world.store.forget(Table::Default);
    world.store.forget(Table::LiveOfType);
    assert!(!registry(&world, "late").await.1);
    assert_eq!(
        world.store.count(Table::LiveOfType),
        251 + 1 + 1 + 1,
        "each live one, the zone, the mark, and that it is whole"
    );
    let reads = world.store.reads();
    assert!(!registry(&world, "later").await.1);
    let took = world.store.reads() - reads;
    assert!(took < 60, "{took} reads: it is no walk through the account");
    set_default(&world, &"late".into()).await;
    let refused = world.delete(&"late".into(), Deletion::default()).await.unwrap_err();
    assert_eq!(conflicts(&refused), [("default", "whoever has chosen nothing")]);
}

#[tokio::test(start_paused = true)]
async fn an_account_takes_its_index_along() {
    let world = World::new().await;
    world
        .broker
        .accounts
        .create(&world.caller, submitted::<api::CreateAccount, _>(json!({"name": "web"})), None)
        .await
        .unwrap();
    let before = world.store.count(Table::LiveOfType);
    let web = Reference::from("web");
    let body = json!({"type": REGISTRY, "name": "one", "data": {"token": "s"}});
    world
        .broker
        .credentials
        .create(&world.caller, &web, submitted::<api::CreateCredential, _>(body), None, false)
        .await
        .unwrap();
    world.broker.deletions.delete(&world.caller, &web, &"one".into(), FORCED_PURGE, None).await.unwrap();
    world.broker.accounts.delete(&world.caller, &web, None).await.unwrap();
    assert_eq!(world.store.count(Table::LiveOfType), before - 1);
}
