//! Pushes that another process began and did not finish.

use std::time::Duration;

use bursar_kernel::SyncState;
use bursar_kernel::nodes::Vitals;
use bursar_regions::{ReconcileOptions, Reconciled};
use serde_json::json;

use super::{attached, patch, row, settle, store};

#[tokio::test(start_paused = true)]
async fn a_push_that_was_cut_off_is_looked_at_before_it_is_sent_again() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    // It dies after the target has it, and before that is written down.
    world.shelf.takes(Duration::ZERO, Duration::from_secs(10));
    tokio::select! {
        _ = settle(&world, pair) => panic!("the target takes longer"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    world.shelf.takes(Duration::ZERO, Duration::ZERO);
    assert_eq!(row(&world, "one").await.0, SyncState::Syncing);
    let other = world.second_node();
    let by = ReconcileOptions::system(&other.kernel.ports);
    let busy = other.reconciler.reconcile(pair, &by).await.unwrap();
    assert!(matches!(busy, Reconciled::Busy(_)), "another process may still be at it: {busy:?}");
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert_eq!(other.reconciler.reconcile(pair, &by).await.unwrap(), Reconciled::Unchanged);
    let calls: Vec<&str> = world.shelf.calls().into_iter().map(|(call, _)| call).collect();
    assert_eq!(calls, ["put", "look"]);
    assert_eq!(row(&world, "one").await, (SyncState::Synced, None));
}

#[tokio::test(start_paused = true)]
async fn a_push_of_a_node_that_ended_is_taken_over_at_once() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    let first = world.first_beat();
    first.beat(Vitals::default()).await.unwrap();
    let (other, nodes) = world.second_among_nodes();
    nodes.beat(Vitals::default()).await.unwrap();
    world.shelf.takes(Duration::ZERO, Duration::from_mins(10));
    tokio::select! {
        _ = settle(&world, pair) => panic!("the target takes longer"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    world.shelf.takes(Duration::ZERO, Duration::ZERO);
    let by = ReconcileOptions::system(&other.kernel.ports);
    for _ in 0..20 {
        first.beat(Vitals::default()).await.unwrap();
        nodes.beat(Vitals::default()).await.unwrap();
        let busy = other.reconciler.reconcile(pair, &by).await.unwrap();
        assert!(matches!(busy, Reconciled::Busy(_)), "it is at work: {busy:?}");
    }
    // It falls silent.
    let mut looks = 0;
    while matches!(other.reconciler.reconcile(pair, &by).await.unwrap(), Reconciled::Busy(_)) {
        nodes.beat(Vitals::default()).await.unwrap();
        looks += 1;
    }
    assert_eq!(looks, 4);
    let calls: Vec<&str> = world.shelf.calls().into_iter().map(|(call, _)| call).collect();
    assert_eq!(calls, ["put", "look"]);
    assert_eq!(row(&world, "one").await, (SyncState::Synced, None));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_overtaken_looks_at_what_is_there() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    let (other, nodes) = world.second_among_nodes();
    nodes.beat(Vitals::default()).await.unwrap();
    // It sends the first version, sleeps, and what it sent comes last.
    world.shelf.takes(Duration::from_mins(1), Duration::ZERO);
    let late = settle(&world, pair);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.shelf.takes(Duration::ZERO, Duration::ZERO);
        patch(&world, "one", json!({"data": {"token": "s2"}})).await;
        other.reconciler.reconcile(pair, &ReconcileOptions::system(&other.kernel.ports)).await.unwrap()
    };
    let (late, meanwhile) = tokio::join!(late, meanwhile);
    assert_eq!(meanwhile, Reconciled::Pushed);
    assert_eq!(late, Reconciled::Pushed, "it put right what it had put wrong");
    assert_eq!(world.shelf.things(), [("default/one".to_owned(), "s2".to_owned())]);
    assert_eq!(row(&world, "one").await, (SyncState::Synced, None));
}
