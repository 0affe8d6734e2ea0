//! What happens while something is under way.

use crate::support::submitted;
use bursar_api as api;
use std::time::Duration;

use bursar_credentials::Deletion;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use bursar_regions::{Mode, Pair, Reconciled};
use serde_json::json;

use super::{attached, eu, settle, store};
use crate::support::{World, account};

/// Puts that take their time fill the way to the region.
async fn busy_region(world: &World) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for number in 0..4 {
        pairs.push(store(world, &format!("slow-{number}"), "s").await);
    }
    world.shelf.takes(Duration::from_secs(10), Duration::ZERO);
    pairs
}

#[tokio::test(start_paused = true)]
async fn what_waited_while_the_region_was_paused_is_not_put() {
    let world = attached("repair").await;
    let slow = busy_region(&world).await;
    let last = store(&world, "last", "s").await;
    let puts = async { futures::future::join_all(slow.iter().map(|pair| settle(&world, *pair))).await };
    let waits = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        settle(&world, last).await
    };
    let pauses = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.broker.regions.set_mode(&world.caller, &eu(), Mode::Paused).await.unwrap();
    };
    let (_, waited, ()) = tokio::join!(puts, waits, pauses);
    assert_eq!(waited, Reconciled::Left);
    assert_eq!(world.shelf.things().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_restored_while_its_removal_waits_stays() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    settle(&world, pair).await;
    let slow = busy_region(&world).await;
    let one = Reference::Id(pair.credential.0);
    world.delete(&one, Deletion::default()).await.unwrap();
    let puts = async { futures::future::join_all(slow.iter().map(|pair| settle(&world, *pair))).await };
    let waits = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        settle(&world, pair).await
    };
    let restores = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.broker.deletions.restore(&world.caller, &account(), &one).await.unwrap();
    };
    let (_, waited, ()) = tokio::join!(puts, waits, restores);
    assert_eq!(waited, Reconciled::Unchanged);
    assert!(world.shelf.calls().iter().all(|(call, _)| *call != "remove"));
}

#[tokio::test(start_paused = true)]
async fn a_purge_takes_out_what_is_on_its_way_in() {
    let world = attached("repair").await;
    let pair = store(&world, "one", "s1").await;
    world.shelf.takes(Duration::from_secs(10), Duration::ZERO);
    let purges = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.delete(&Reference::from("one"), Deletion { force: false, purge: true }).await.unwrap();
    };
    let _ = tokio::join!(settle(&world, pair), purges);
    assert_eq!(world.shelf.calls().last(), Some(&("remove", "default/one".to_owned())));
    assert_eq!((world.shelf.things(), world.store.count(Table::Placed)), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_uses_a_region_that_is_deleted_at_the_same_moment() {
    for seed in 0..60 {
        let world = attached("repair").await;
        world.broker.attachments.detach(&world.caller, &account(), &eu(), None, None).await.unwrap();
        world.store.yield_in_turn(seed);
        let (name, owner) = (eu(), account());
        let attaching = world.broker.attachments.attach(
            &world.caller,
            &owner,
            &name,
            submitted::<api::AttachRegion, _>(json!({})),
            None,
        );
        let deleting = world.broker.regions.delete(&world.caller, &name, false, None);
        let (use_of_it, gone) = tokio::join!(Box::pin(attaching), Box::pin(deleting));
        let left = (world.store.count(Table::Region), world.store.count(Table::Attachment));
        assert!(use_of_it.is_err() || gone.is_err(), "seed {seed}: both won, {left:?}");
        assert!(left == (1, 1) || left == (0, 0), "seed {seed}: {left:?}");
    }
}
