//! Bringing credentials to where they should be (S0-04, S0-36 to S0-40).

mod audience;
mod panics;
mod pushed;
mod races;
mod takeover;

use crate::support::{region_patch, submitted};
use bursar_api as api;
use std::time::Duration;

use bursar_credentials::Deletion;
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::{Error, Kind, SyncState};
use bursar_regions::{Extent, Mode, OnDetach, Pair, PlanAction, ReconcileOptions, Reconciled, TargetError};
use serde_json::{Value, json};

use crate::support::{PLAIN, SHELF, World, account, violations};

fn eu() -> Reference {
    Reference::from("eu")
}

/// A world whose account uses the region `eu`.
async fn attached(drift: &str) -> World {
    let world = World::new().await;
    let body = json!({"name": "eu", "target": SHELF, "settings": {"where": "there", "key": "k3y"}, "drift": drift});
    world.broker.regions.create(&world.caller, submitted::<api::CreateRegion, _>(body), None).await.unwrap();
    world
        .broker
        .attachments
        .attach(&world.caller, &account(), &eu(), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap();
    world
}

async fn store(world: &World, name: &str, token: &str) -> Pair {
    let view = world.store_with(name, PLAIN, json!({"token": token})).await;
    let region = world.broker.regions.get(&world.caller, &eu()).await.unwrap().region.id;
    Pair { account: view.credential.account, credential: view.credential.id, region }
}

async fn patch(world: &World, name: &str, body: Value) {
    let credential = Reference::from(name);
    world
        .broker
        .credentials
        .update(&world.caller, &account(), &credential, submitted::<api::PatchCredential, _>(body), None, false)
        .await
        .unwrap();
}

async fn settle(world: &World, pair: Pair) -> Reconciled {
    world.broker.reconciler.reconcile(pair, &ReconcileOptions::system(&world.broker.kernel.ports)).await.unwrap()
}

async fn look(world: &World, pair: Pair) -> Reconciled {
    world
        .broker
        .reconciler
        .reconcile(pair, &ReconcileOptions::system(&world.broker.kernel.ports).verifying())
        .await
        .unwrap()
}

/// State and error of the one region.
async fn row(world: &World, name: &str) -> (SyncState, Option<String>) {
    let view = world.broker.credentials.get(&world.caller, &account(), &Reference::from(name)).await.unwrap();
    let row = view.sync.first().cloned().unwrap();
    (row.state, row.error)
}

fn down() -> TargetError {
    TargetError::Unreachable("connection refused".to_owned())
}

/// A push is recorded before it is sent, and what is in place is not sent again (S0-46).
#[tokio::test(start_paused = true)]
async fn what_is_in_place_is_neither_materialized_nor_sent_again() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    assert_eq!(row(&world, "one").await, (SyncState::NotSynced, None));
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    assert_eq!(row(&world, "one").await, (SyncState::Synced, None));
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s1".to_owned())]);
    assert_eq!(world.shelf.before_puts()[0].action, Action::RegionPush, "durable before the target hears of it");
    let (calls, events) = (world.shelf.calls(), world.store.events().len());
    assert_eq!(calls, [("put", "default/one".to_owned())]);
    for _ in 0..3 {
        assert_eq!(settle(&world, pair).await, Reconciled::Unchanged);
        assert_eq!(world.broker.attachments.walk(Extent::Everything, false).await.unwrap().due, []);
    }
    assert_eq!((world.provider.materialized(), world.shelf.calls(), world.store.events().len()), (1, vec![], events));
    // A title is no part of what is there; a label that changes nothing neither.
    patch(&world, "one", json!({"title": "Another"})).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Unchanged);
    patch(&world, "one", json!({"data": {"token": "s2"}})).await;
    assert_eq!(world.broker.attachments.walk(Extent::Everything, false).await.unwrap().due.len(), 1);
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s2".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn tries_of_one_push_share_their_key_and_no_other_has_it() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    world.shelf.answer([down()]);
    assert!(matches!(settle(&world, pair).await, Reconciled::Failed { passing: true, .. }));
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    patch(&world, "one", json!({"data": {"token": "s2"}})).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    patch(&world, "one", json!({"data": {"token": "s1"}})).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    // What was removed is put by another push, whatever it is.
    for mode in [Mode::Draining, Mode::Active] {
        world.broker.regions.set_mode(&world.caller, &eu(), mode).await.unwrap();
        settle(&world, pair).await;
    }
    let mut keys = world.shelf.put_keys();
    assert_eq!((keys.len(), &keys[0]), (5, &keys[1]));
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4, "{keys:?}");
}

/// While a region is down every credential shows the error (S0-38).
#[tokio::test(start_paused = true)]
async fn a_region_that_is_down_is_asked_by_one_and_the_others_say_so() {
    let world = attached("repair").await;
    let mut pairs = Vec::new();
    for number in 0..8 {
        pairs.push(store(&world, &format!("c{number}"), "s").await);
    }
    world.shelf.answer(vec![down(); 5]);
    for pair in &pairs {
        let settled = settle(&world, *pair).await;
        assert!(matches!(settled, Reconciled::Failed { .. } | Reconciled::KeptOff { .. }), "{settled:?}");
    }
    assert_eq!(world.shelf.calls().len(), 5, "the rest was not tried");
    assert!(world.broker.reconciler.is_down(pairs[0].region));
    for number in 0..8 {
        let (state, error) = row(&world, &format!("c{number}")).await;
        assert_eq!((state, error.as_deref()), (SyncState::Error, Some("not reachable: connection refused")));
    }
    assert_eq!(world.provider.materialized(), 5);
    // Whoever finds it back opens the way for all.
    world.shelf.answer([down()]);
    assert_eq!(world.broker.regions.check(&world.caller, &eu()).await.unwrap(), Err(down()));
    assert!(world.broker.reconciler.is_down(pairs[0].region));
    assert_eq!(world.broker.regions.check(&world.caller, &eu()).await.unwrap(), Ok(()));
    assert!(!world.broker.reconciler.is_down(pairs[0].region));
    assert_eq!(settle(&world, pairs[7]).await, Reconciled::Pushed, "it was never tried");
    tokio::time::sleep(Duration::from_mins(1)).await;
    for pair in &pairs[..7] {
        assert_eq!(settle(&world, *pair).await, Reconciled::Pushed);
    }
    assert!(!world.broker.reconciler.is_down(pairs[0].region));
}

#[tokio::test(start_paused = true)]
async fn a_change_by_hand_is_reported_or_put_right() {
    for policy in ["report", "repair"] {
        let world = attached(policy).await;
        let pair = store(&world, "one", "s1").await;
        settle(&world, pair).await;
        assert_eq!(look(&world, pair).await, Reconciled::Unchanged);
        world.shelf.tamper("default/one", Some("edited"));
        if policy == "repair" {
            assert_eq!(look(&world, pair).await, Reconciled::Pushed);
        } else {
            for _ in 0..2 {
                assert_eq!(look(&world, pair).await, Reconciled::Drifted);
                assert_eq!(settle(&world, pair).await, Reconciled::Drifted);
            }
            let (state, error) = row(&world, "one").await;
            assert_eq!(
                (state, error.as_deref()),
                (SyncState::Drifted, Some("somebody changed it there: sync it to put it right"))
            );
            let plan = world.broker.attachments.plan(&world.caller, &account(), &eu()).await.unwrap();
            assert_eq!(plan.items[0].action, PlanAction::Drifted);
            let one = Reference::from("one");
            let view = world.broker.attachments.sync_credential(&world.caller, &account(), &one).await.unwrap();
            assert_eq!(view.sync[0].state, SyncState::Synced);
        }
        assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s1".to_owned())]);
        world.shelf.tamper("default/one", None);
        let expected = if policy == "repair" { Reconciled::Pushed } else { Reconciled::Drifted };
        assert_eq!(look(&world, pair).await, expected);
        // A new version ends the matter.
        patch(&world, "one", json!({"data": {"token": "s2"}})).await;
        settle(&world, pair).await;
        assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s2".to_owned())]);
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_region_cannot_be_looked_at_says_nothing_of_what_is_there() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    world.shelf.answer(vec![down(); 5]);
    for _ in 0..7 {
        let looked = look(&world, pair).await;
        assert!(matches!(looked, Reconciled::Failed { .. } | Reconciled::KeptOff { .. }), "{looked:?}");
        assert_eq!(row(&world, "one").await, (SyncState::Synced, None));
    }
    // Somebody who asks is told.
    let one = Reference::from("one");
    world.shelf.answer(vec![down(); 4]);
    let view = world.broker.attachments.sync_credential(&world.caller, &account(), &one).await.unwrap();
    assert_eq!(view.sync[0].state, SyncState::Error);
    world.shelf.calls();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Unchanged);
    assert_eq!(world.shelf.calls(), [("look", "default/one".to_owned())], "nothing is taken for granted");
}

#[tokio::test(start_paused = true)]
async fn who_is_narrowed_to_some_credentials_decides_for_none_but_those() {
    let world = attached("repair").await;
    store(&world, "one", "s1").await;
    store(&world, "two", "s2").await;
    let narrowed = world.someone("credentials-manager", json!({"credentials": ["one"]})).await;
    let refused = world
        .broker
        .attachments
        .attach(&narrowed, &account(), &eu(), submitted::<api::AttachRegion, _>(json!({})), None)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Kind::Denied);
    let refused = world.broker.attachments.detach(&narrowed, &account(), &eu(), None, None).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Denied);
    assert_eq!(world.broker.regions.watch(&narrowed, &account()).await.unwrap_err().kind, Kind::Denied);
    let ensured = world.broker.attachments.ensure(&narrowed, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((ensured.ready(), ensured.synced), (true, 1));
    let elsewhere = world.someone("credentials-manager", json!({"regions": ["us"]})).await;
    let refused = world.broker.attachments.ensure(&elsewhere, &account(), &eu(), &|_| {}).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    let workload = world.someone("workload", json!({})).await;
    assert_eq!(world.broker.regions.list(&workload, None, 10).await.unwrap_err().kind, Kind::Denied);
    let member = world.someone("member", json!({})).await;
    let seen = world.broker.regions.get(&member, &eu()).await.unwrap();
    assert_eq!((seen.full, seen.settings, seen.secret_settings.len()), (false, json!({}), 0));
}

/// What is foreign stays, and the failed sync is recorded (S0-46).
#[tokio::test(start_paused = true)]
async fn what_is_foreign_is_left_and_named() {
    let world = attached("repair").await;
    world.shelf.tamper("default/one", Some("theirs"));
    let pair = store(&world, "one", "s1").await;
    let settled = settle(&world, pair).await;
    assert!(matches!(settled, Reconciled::Failed { passing: false, .. }), "{settled:?}");
    assert_eq!(row(&world, "one").await, (SyncState::Error, Some("in the way: default/one is not ours".to_owned())));
    let event = world.events(Action::CredentialSync).pop().unwrap();
    assert_eq!((event.outcome, event.region.as_deref()), (Outcome::Denied, Some("eu")));
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((ensured.ready(), ensured.synced, ensured.failed[0].credential.as_str()), (false, 0, "one"));
    world.delete(&Reference::from("one"), Deletion { force: false, purge: true }).await.unwrap();
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "theirs".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_swap_their_names_swap_their_places() {
    let world = attached("repair").await;
    let (one, two) = (store(&world, "one", "s1").await, store(&world, "two", "s2").await);
    settle(&world, one).await;
    settle(&world, two).await;
    for (from, to) in [("one", "x"), ("two", "one"), ("x", "two")] {
        patch(&world, from, json!({"name": to})).await;
    }
    for _ in 0..3 {
        settle(&world, one).await;
        settle(&world, two).await;
        tokio::time::sleep(Duration::from_mins(6)).await;
    }
    let swapped = [("default/one".to_owned(), "s2".to_owned()), ("default/two".to_owned(), "s1".to_owned())];
    assert_eq!(world.shelf.things(), swapped);
    // Something that is nobody's is no reason to give up what is there.
    world.shelf.tamper("default/three", Some("theirs"));
    patch(&world, "one", json!({"name": "three"})).await;
    settle(&world, two).await;
    assert_eq!(world.shelf.things().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn ensure_is_complete_and_twice_in_a_row_does_nothing() {
    let world = attached("repair").await;
    for number in 0..20 {
        store(&world, &format!("c{number:02}"), "s").await;
    }
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |progress: bursar_regions::Progress| told.lock().unwrap().push(progress.done);
    // One that fails in passing does not fail the deployment.
    world.shelf.answer([down()]);
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &tell).await.unwrap();
    assert_eq!((ensured.ready(), ensured.synced), (true, 20), "the DNS credential has no form to be put in");
    assert_eq!(told.into_inner().unwrap(), (1..=20).collect::<Vec<_>>());
    assert_eq!(world.shelf.things().len(), 20);
    let before = (world.provider.materialized(), world.shelf.calls().len());
    let again = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((again.ready(), again.synced), (true, 20));
    assert_eq!((world.provider.materialized(), world.shelf.calls()), (before.0, vec![]));
    world.broker.regions.set_mode(&world.caller, &eu(), Mode::Paused).await.unwrap();
    let paused = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap_err();
    assert_eq!((paused.kind, paused.message.as_str()), (Kind::Conflict, "region `eu` is paused: resume it first"));
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_leaves_every_region_before_it_is_purged() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    world.shelf.answer([down()]);
    let purge = Deletion { force: false, purge: true };
    let refused: Error = world.delete(&Reference::Id(pair.credential.0), purge).await.unwrap_err();
    assert_eq!((refused.kind, refused.conflicts[0].name.as_str()), (Kind::Conflict, "eu"));
    assert!(refused.message.contains("connection refused"), "{}", refused.message);
    let view =
        world.broker.credentials.get(&world.caller, &account(), &Reference::Id(pair.credential.0)).await.unwrap();
    assert!(view.credential.deleted_at.is_some() && view.sync[0].state == SyncState::Error);
    world.delete(&Reference::Id(pair.credential.0), purge).await.unwrap();
    assert_eq!(world.shelf.things(), []);
    assert_eq!(settle(&world, pair).await, Reconciled::Removed);
}

#[tokio::test(start_paused = true)]
async fn letting_go_of_a_region_removes_or_leaves_what_is_there() {
    for (how, left) in [(OnDetach::Remove, 0), (OnDetach::Keep, 1)] {
        let world = attached("repair").await;
        let pair = store(&world, "one", "s1").await;
        settle(&world, pair).await;
        let used = world.broker.attachments.attached(&world.caller, &account()).await.unwrap();
        assert_eq!(used[0].counts.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [0, 0, 1, 0, 0]);
        let refused = world.broker.regions.delete(&world.caller, &eu(), false, None).await.unwrap_err();
        assert_eq!((refused.kind, refused.conflicts[0].name.as_str()), (Kind::Conflict, "default"));
        world.broker.attachments.detach(&world.caller, &account(), &eu(), Some(how), None).await.unwrap();
        assert_eq!(world.broker.attachments.attached(&world.caller, &account()).await.unwrap().len(), 0);
        assert_eq!(world.shelf.things().len(), left);
        world.broker.regions.delete(&world.caller, &eu(), false, None).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_behind_by_a_region_that_was_down_is_removed_later() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    world.shelf.answer([down()]);
    world.broker.attachments.detach(&world.caller, &account(), &eu(), None, None).await.unwrap();
    let used = world.broker.attachments.attached(&world.caller, &account()).await.unwrap();
    assert_eq!(used[0].attachment.detaching, Some(OnDetach::Remove));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(
        world.broker.attachments.walk(Extent::Everything, false).await.unwrap().due,
        [(pair, world.broker.kernel.ports.now())]
    );
    assert_eq!(settle(&world, pair).await, Reconciled::Detached);
    world.broker.attachments.walk(Extent::Everything, false).await.unwrap();
    assert_eq!(world.broker.attachments.attached(&world.caller, &account()).await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_paused_region_is_left_and_a_draining_one_emptied() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    world.broker.regions.set_mode(&world.caller, &eu(), Mode::Paused).await.unwrap();
    patch(&world, "one", json!({"data": {"token": "s2"}})).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Left);
    assert_eq!(world.broker.attachments.walk(Extent::Everything, true).await.unwrap().due, []);
    let plan = world.broker.attachments.plan(&world.caller, &account(), &eu()).await.unwrap();
    assert_eq!(plan.items[0].action, PlanAction::Update, "what would be");
    world.broker.regions.set_mode(&world.caller, &eu(), Mode::Draining).await.unwrap();
    assert_eq!(settle(&world, pair).await, Reconciled::Removed);
    assert_eq!(row(&world, "one").await, (SyncState::NotSynced, None));
    world.broker.regions.set_mode(&world.caller, &eu(), Mode::Active).await.unwrap();
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s2".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_decides_where_things_are_stays_while_things_are_there() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    let region = eu();
    let update = |body: Value| world.broker.regions.update(&world.caller, &region, region_patch(body), false, None);
    let moved = Box::pin(update(json!({"settings": {"where": "elsewhere"}}))).await.unwrap_err();
    assert_eq!((moved.kind, violations(&moved)), (Kind::Conflict, vec![("/settings/where", "in-use")]));
    let wrong = Box::pin(update(json!({"settings": {"where": null}, "drift": "x", "target": "y"}))).await.unwrap_err();
    assert_eq!(violations(&wrong), [("/drift", "unknown"), ("/target", "immutable"), ("/settings/where", "required")]);
    let wrong = Box::pin(update(json!({"settings": null, "name": null}))).await.unwrap_err();
    assert_eq!(violations(&wrong), [("/name", "required"), ("/settings", "required")]);
    let view = Box::pin(update(json!({"settings": {"key": "an0ther"}, "title": null, "drift": null}))).await.unwrap();
    assert_eq!(view.settings, json!({"where": "there"}));
    assert_eq!(view.secret_settings, ["/key"]);
    assert_eq!(settle(&world, pair).await, Reconciled::Unchanged, "a new sign-in moves nothing");
}

#[tokio::test(start_paused = true)]
async fn the_same_in_another_form_is_put_again() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    world.shelf.calls();
    let region = eu();
    let body = json!({"settings": {"mode": "0640"}});
    world.broker.regions.update(&world.caller, &region, region_patch(body), false, None).await.unwrap();
    let plan = world.broker.attachments.plan(&world.caller, &account(), &region).await.unwrap();
    assert_eq!(plan.items[0].action, PlanAction::Update);
    world.shelf.calls();
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
    assert_eq!(settle(&world, pair).await, Reconciled::Unchanged);
    assert_eq!(world.shelf.calls(), [("put", "default/one".to_owned())]);
    assert_eq!(world.told(Action::RegionUpdate, "changed"), [json!(["settings"])]);
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_stays_so_through_failures() {
    let world = attached("report").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    // That it was changed is found only after a look that was refused.
    world.shelf.answer([TargetError::Refused("sign-in expired".to_owned())]);
    assert!(matches!(look(&world, pair).await, Reconciled::Failed { passing: false, .. }));
    assert_eq!(row(&world, "one").await.0, SyncState::Error);
    world.shelf.tamper("default/one", Some("edited"));
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Drifted);
    world.shelf.answer(vec![down(); 5]);
    for _ in 0..8 {
        look(&world, pair).await;
        settle(&world, pair).await;
        assert_eq!(row(&world, "one").await.0, SyncState::Drifted);
    }
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!((look(&world, pair).await, settle(&world, pair).await), (Reconciled::Drifted, Reconciled::Drifted));
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "edited".to_owned())]);
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert!(!ensured.ready());
    world.broker.attachments.sync_credential(&world.caller, &account(), &Reference::from("one")).await.unwrap();
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s1".to_owned())]);
    assert_eq!(world.told(Action::RegionPush, "repairs").pop(), Some(json!("somebody changed it")));
}

#[tokio::test(start_paused = true)]
async fn an_old_place_that_cannot_be_removed_is_tried_ever_less_often() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    world.shelf.keep_all(true);
    patch(&world, "one", json!({"name": "two"})).await;
    world.shelf.calls();
    for _ in 0..600 {
        settle(&world, pair).await;
        world.pass(Duration::from_secs(1)).await;
    }
    let (state, error) = row(&world, "two").await;
    assert_eq!(state, SyncState::Error);
    assert!(error.unwrap().contains("under its old name could not be removed: refused: may not remove"));
    let removals = world.shelf.calls().iter().filter(|(call, _)| *call == "remove").count();
    assert!((5..40).contains(&removals), "{removals} tries in ten minutes");
    assert_eq!(world.events(Action::RegionRemove).len(), removals, "each is on record");
    assert_eq!(world.events(Action::CredentialSync).pop().unwrap().outcome, Outcome::Failed);
    world.shelf.keep_all(false);
    tokio::time::sleep(Duration::from_mins(6)).await;
    settle(&world, pair).await;
    assert_eq!(world.shelf.things(), [("default/two".to_owned(), "s1".to_owned())]);
    assert_eq!(row(&world, "two").await, (SyncState::Synced, None));
}

#[tokio::test(start_paused = true)]
async fn names_that_were_swapped_while_the_region_was_down_do_not_block_each_other() {
    let world = attached("repair").await;
    let (one, two) = (store(&world, "one", "s1").await, store(&world, "two", "s2").await);
    settle(&world, one).await;
    settle(&world, two).await;
    for (from, to) in [("one", "x"), ("two", "one"), ("x", "two")] {
        patch(&world, from, json!({"name": to})).await;
    }
    world.shelf.answer(vec![down(); 2]);
    for pair in [one, two] {
        assert!(matches!(settle(&world, pair).await, Reconciled::Failed { .. }));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_mins(6)).await;
        settle(&world, one).await;
        settle(&world, two).await;
    }
    let swapped = [("default/one".to_owned(), "s2".to_owned()), ("default/two".to_owned(), "s1".to_owned())];
    assert_eq!(world.shelf.things(), swapped);
}
