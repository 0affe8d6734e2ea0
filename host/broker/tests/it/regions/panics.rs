//! A target, or a library under it, that panics: an error of that pair, told in
//! its row, and of nothing else.

use crate::support::{region_patch, submitted};
use bursar_api as api;
use std::time::Duration;

use bursar_kernel::SyncState;
use bursar_kernel::id::Reference;
use bursar_regions::{Extent, PlanAction, Reconciled};
use serde_json::json;

use super::{attached, eu, look, patch, row, settle, store};
use crate::support::{SHELF, account, violations};

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_call_is_an_error_of_the_row() {
    for call in ["open", "place", "put", "look", "remove"] {
        let world = attached("repair").await;
        let pair = store(&world, "one", "s1").await;
        if matches!(call, "look" | "remove") {
            assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
        }
        if call == "remove" {
            world
                .broker
                .attachments
                .attach(&world.caller, &account(), &eu(), submitted::<api::AttachRegion, _>(json!({"types": []})), None)
                .await
                .unwrap();
        }
        world.shelf.panic_in(Some(call));
        let settled = if call == "look" { look(&world, pair).await } else { settle(&world, pair).await };
        let Reconciled::Failed { message, passing, due_at } = settled else { panic!("{call}: {settled:?}") };
        assert!(!passing && due_at > world.broker.kernel.ports.now(), "{call}");
        assert!(message.contains("its log says where") && !message.contains("s3cret"), "{call}: {message}");
        assert_eq!(row(&world, "one").await, (SyncState::Error, Some(message)), "{call}");
        assert_eq!(world.shelf.defects(), 1, "{call}: the log has it");
        // It is tried again, and nothing keeps the next one off.
        let due = world.broker.attachments.walk(Extent::Everything, call == "look").await.unwrap().due;
        assert!(due.iter().any(|(of, at)| *of == pair && *at > world.broker.kernel.ports.now()), "{call}: {due:?}");
        world.shelf.panic_in(None);
        world.pass(Duration::from_mins(10)).await;
        let other = world.second_node();
        let by = bursar_regions::ReconcileOptions::system(&other.kernel.ports);
        let again = other.reconciler.reconcile(pair, &by).await.unwrap();
        let wanted = match call {
            "look" => Reconciled::Unchanged,
            "remove" => Reconciled::Removed,
            _ => Reconciled::Pushed,
        };
        assert_eq!(again, wanted, "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_gets_an_answer_where_a_target_panics() {
    let world = attached("repair").await;
    store(&world, "one", "s1").await;
    store(&world, "two", "s2").await;
    world.shelf.panic_in(Some("check"));
    let checked = world.broker.regions.check(&world.caller, &eu()).await.unwrap().unwrap_err();
    assert!(checked.to_string().contains("its log says where"));
    for call in ["open", "place", "look"] {
        world.shelf.panic_in(Some(call));
        let plan = world.broker.attachments.plan(&world.caller, &account(), &eu()).await.unwrap();
        assert!(plan.items.iter().all(|item| item.action == PlanAction::Unknown && item.message.is_some()), "{call}");
    }
    world.shelf.panic_in(Some("put"));
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((ensured.ready(), ensured.failed.len()), (false, 2));
    let synced =
        world.broker.attachments.sync_credential(&world.caller, &account(), &Reference::from("one")).await.unwrap();
    assert_eq!(synced.sync[0].state, SyncState::Error);
    world.shelf.panic_in(None);
    let ensured = world.broker.attachments.ensure(&world.caller, &account(), &eu(), &|_| {}).await.unwrap();
    assert_eq!((ensured.ready(), ensured.synced), (true, 2));
}

#[tokio::test(start_paused = true)]
async fn settings_that_make_a_target_panic_are_refused() {
    let world = attached("repair").await;
    world.shelf.panic_in(Some("judge"));
    let body = json!({"name": "us", "target": SHELF, "settings": {"where": "there", "key": "k3y"}});
    let refused =
        world.broker.regions.create(&world.caller, submitted::<api::CreateRegion, _>(body), None).await.unwrap_err();
    assert_eq!(violations(&refused), [("/settings", "unusable")]);
    let body = json!({"settings": {"mode": "x"}});
    let refused = world.broker.regions.update(&world.caller, &eu(), region_patch(body), false, None).await.unwrap_err();
    assert_eq!(violations(&refused), [("/settings", "unusable")]);
}

/// What is no target's panics too: the row says so, whatever it was.
#[tokio::test(start_paused = true)]
async fn a_panic_beside_the_target_leaves_nobody_at_it() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    // The double's way to make files panics with what is no text.
    patch(&world, "one", json!({"data": {"token": 7}})).await;
    let settled = settle(&world, pair).await;
    assert!(matches!(settled, Reconciled::Failed { passing: false, .. }), "{settled:?}");
    assert_eq!(row(&world, "one").await.0, SyncState::Error);
    patch(&world, "one", json!({"data": {"token": "s2"}})).await;
    assert_eq!(settle(&world, pair).await, Reconciled::Pushed);
}
