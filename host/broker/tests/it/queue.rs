//! One change at a time for each record set.

use std::time::Duration;

use bursar_kernel::Kind;
use bursar_kernel::keys::Table;
use futures::future::join_all;

use crate::support::{NAME, World, account, present, zone};

#[tokio::test(start_paused = true)]
async fn values_of_one_name_are_not_lost_between_many_and_between_nodes() {
    let world = World::new().await;
    world.provider.takes(Duration::from_millis(300));
    let second = world.second_node();
    let values: Vec<String> = (0..8).map(|number| format!("value {number}")).collect();
    let all = values.iter().enumerate().map(|(number, value)| {
        let node = if number % 2 == 0 { &world.broker } else { &second };
        present(node, &world.caller, value)
    });
    for shown in join_all(all).await {
        shown.unwrap();
    }
    let mut there = world.provider.values(NAME);
    there.sort();
    assert_eq!(there, values);
    assert_eq!(world.store.count(Table::DnsLease), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_at_a_name_takes_its_turn_too() {
    let world = World::new().await;
    world.provider.takes(Duration::from_secs(1));
    let second = world.second_node();
    let check = async { second.dns.probe(&world.caller, &account(), &zone(), NAME).await };
    let (shown, checked) = futures::join!(world.present("one"), check);
    shown.unwrap();
    checked.unwrap();
    assert_eq!(world.provider.values(NAME), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_move_is_left_in_time() {
    let world = World::new().await;
    world.provider.takes(Duration::from_secs(55));
    let second = world.second_node();
    let later = async |broker| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        present(broker, &world.caller, "two").await
    };
    let (first, same_process, other_process) =
        futures::join!(world.present("one"), later(&world.broker), later(&second));
    first.unwrap();
    for error in [same_process.unwrap_err(), other_process.unwrap_err()] {
        assert_eq!((error.kind, error.retry_after_seconds), (Kind::Unavailable, Some(10)));
    }
    assert_eq!(world.provider.calls(), ["present", "poll"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_end_is_given_up() {
    let world = World::new().await;
    world.provider.takes(Duration::from_hours(1));
    let error = world.present("one").await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(world.store.count(Table::DnsLease), 0);
}
