//! What a process that dies in the middle leaves, and who cleans it up.

use std::sync::Arc;
use std::time::Duration;

use bursar_credentials::Deletion;
use bursar_dns::{RecordState::Present, RecordState::Presenting, RecordState::Removing, SweepFailure};
use bursar_kernel::audit::{Action, Outcome};
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::PluginError;
use bursar_kernel::{Error, Kind};
use serde_json::json;

use crate::support::{NAME, World, account, zone};

/// Begins to present and dies while the provider thinks.
async fn die_presenting(world: &World, value: &str) {
    world.provider.takes(Duration::from_secs(2));
    tokio::select! {
        _ = world.present(value) => panic!("the provider takes longer"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    world.provider.takes(Duration::ZERO);
}

async fn sweep(world: &World) -> Vec<SweepFailure> {
    world.second_node().dns.sweep().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_is_cleaned_up_when_nobody_can_be_at_it_any_more() {
    let world = World::new().await;
    die_presenting(&world, "one").await;
    assert_eq!(world.rows().await, [("one".to_owned(), Presenting)]);
    assert_eq!(sweep(&world).await, []);
    assert_eq!(world.provider.calls(), ["present"], "another node may still be at it");
    let error = world.present("two").await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable, "its lease lasts");

    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(sweep(&world).await, []);
    assert_eq!((world.provider.calls(), world.provider.handles()), (vec!["present", "cleanup"], vec![String::new()]));
    assert_eq!(world.rows().await, []);
    assert_eq!(world.store.count(Table::DnsLease), 0);
    let events = world.events(Action::DnsCleanup);
    assert_eq!(events.iter().map(|event| event.actor.as_str()).collect::<Vec<_>>(), ["system", "system"]);
    assert_eq!(world.told(Action::DnsCleanup, "was"), ["presenting", "presenting"]);
    assert_eq!(world.events(Action::HttpSend).pop().unwrap().actor, "system");
    world.present("two").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_lease_was_left_behind_is_free_after_its_time() {
    let world = World::new().await;
    die_presenting(&world, "one").await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    world.present("two").await.unwrap();
    world.present("one").await.unwrap();
    assert_eq!(world.provider.values(NAME), ["two", "one"]);
    assert_eq!(world.rows().await, [("one".to_owned(), Present), ("two".to_owned(), Present)]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_cleanup_goes_on_and_is_put_off_ever_longer() {
    let world = World::new().await;
    world.present("one").await.unwrap();
    world.provider.answer(PluginError::Denied("no".to_owned()));
    let error = world.cleanup("one").await.unwrap_err();
    assert_eq!(error.violations[0].code, "refused");
    assert_eq!(world.rows().await, [("one".to_owned(), Removing)]);
    assert_eq!(sweep(&world).await, [], "not at once");

    let mut told = Vec::new();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_mins(40)).await;
        world.provider.answer(PluginError::Denied("no".to_owned()));
        told.extend(sweep(&world).await.into_iter().map(|failure| (failure.reason, failure.failures)));
        assert_eq!(sweep(&world).await, [], "not before its time");
    }
    assert_eq!(told, [("refused", 1), ("refused", 2), ("refused", 3), ("refused", 4)]);
    tokio::time::sleep(Duration::from_hours(6)).await;
    assert_eq!(sweep(&world).await, []);
    assert_eq!(world.rows().await, []);
    assert!(world.provider.handles().iter().all(|handle| handle == "handle of one"));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_come_half_way_is_cleaned_up_though_the_caller_was_told_no() {
    let world = World::new().await;
    world.provider.answer(PluginError::Unavailable("the connection broke".to_owned()));
    world.present("one").await.unwrap_err();
    assert_eq!(world.rows().await, [("one".to_owned(), Presenting)]);
    tokio::time::sleep(Duration::from_mins(3)).await;
    assert_eq!(sweep(&world).await, []);
    assert_eq!(world.rows().await, []);
    // One that is asked for again meanwhile is no longer the sweep's.
    world.provider.answer(PluginError::Unavailable("the connection broke".to_owned()));
    world.present("two").await.unwrap_err();
    world.present("two").await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(sweep(&world).await, []);
    assert_eq!(world.rows().await, [("two".to_owned(), Present)]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_credential_still_cleans_up() {
    let world = World::new().await;
    die_presenting(&world, "one").await;
    let id = world.broker.credentials.get(&world.caller, &account(), &zone()).await.unwrap().credential.id;
    world.broker.deletions.delete(&world.caller, &account(), &zone(), Deletion::default(), None).await.unwrap();
    tokio::time::sleep(Duration::from_mins(3)).await;
    assert_eq!(sweep(&world).await, []);
    assert_eq!(world.provider.calls(), ["present", "cleanup"]);
    assert_eq!(world.store.count(Table::DnsRecord), 0);
    let purge = Deletion { purge: true, force: false };
    world
        .broker
        .deletions
        .delete(&world.caller, &account(), &id.0.to_string().as_str().into(), purge, None)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_purged_meanwhile_ends_and_says_so() {
    let world = World::new().await;
    world.provider.takes(Duration::from_secs(2));
    let purge = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let gently = Deletion { purge: true, force: false };
        let refused = world.broker.deletions.delete(&world.caller, &account(), &zone(), gently, None).await;
        assert_eq!(refused.unwrap_err().conflicts.len(), 1, "what is on its way is in the way");
        let by_force = Deletion { purge: true, force: true };
        world.broker.deletions.delete(&world.caller, &account(), &zone(), by_force, None).await
    };
    let (shown, purged): (Result<_, Error>, _) = futures::join!(world.present("one"), purge);
    purged.unwrap();
    assert_eq!(shown.unwrap_err().kind, Kind::Conflict);
    let last = world.events(Action::DnsPresent).pop().unwrap();
    assert_eq!((last.outcome, &last.detail.unwrap()["overtaken"]), (Outcome::Ok, &json!(true)));
    assert_eq!((world.store.count(Table::DnsRecord), world.store.count(Table::DnsLease)), (0, 0));
}

/// Two nodes sweep at once: each record is cleaned up by one of them.
#[tokio::test(start_paused = true)]
async fn two_sweeps_do_not_meet() {
    let world = World::new().await;
    die_presenting(&world, "one").await;
    tokio::time::sleep(Duration::from_mins(3)).await;
    world.provider.takes(Duration::from_secs(1));
    let (first, second): (Arc<_>, Arc<_>) = (world.second_node(), world.second_node());
    let (one, two) = futures::join!(first.dns.sweep(), second.dns.sweep());
    assert_eq!((one.unwrap(), two.unwrap()), (vec![], vec![]));
    assert_eq!(world.provider.calls(), ["present", "cleanup"]);
}
