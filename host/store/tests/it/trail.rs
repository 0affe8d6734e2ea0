//! Listing the audit chain.

use bursar_kernel::audit::{Action, Entry, Event, Filter, Outcome, Trail};
use bursar_kernel::id::AccountId;
use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::{Config, Ledger, RootKeySource, Storage};
use jiff::SignedDuration;
use std::sync::Arc;
use uuid::Uuid;

use crate::support::{Home, Still, account, event, key, postgres};

fn at(seconds: i64, actor: &str) -> Event {
    let event = event(actor);
    Event { at: event.at + SignedDuration::from_secs(seconds), ..event }
}

async fn all(store: &Ledger, filter: &Filter, limit: usize) -> Vec<Entry> {
    let (mut entries, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let (page, next) = store.list(filter, cursor.as_deref(), limit).await.unwrap();
        assert!(page.len() <= limit);
        entries.extend(page);
        match next {
            Some(next) => cursor = Some(next),
            None => return entries,
        }
    }
}

fn actors(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.event.actor.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_newest_first_and_chained() {
    let home = Home::new();
    let store = home.create().await;
    for n in 0..250_i64 {
        store.commit(Batch::default().event(at(n, &format!("actor {n}")))).await.unwrap();
    }
    for limit in [1000, 250, 100, 7] {
        let entries = all(&store, &Filter::default(), limit).await;
        assert_eq!(entries.len(), 251, "the first is the creation's");
        assert_eq!(entries[0].event.actor, "actor 249");
        for pair in entries.windows(2) {
            assert_eq!(pair[0].prev_hash, pair[1].hash);
            assert_eq!(pair[0].seq, pair[1].seq + 1);
        }
        assert_eq!(entries[0].id, format!("{}-251", store.node()));
        assert_eq!(entries[250].prev_hash, format!("sha256:{}", "0".repeat(64)));
    }
    let (page, cursor) = store.list(&Filter::default(), None, 251).await.unwrap();
    assert_eq!((page.len(), cursor), (251, None), "no cursor to an empty page");
    assert_eq!(store.list(&Filter::default(), Some("no cursor"), 9).await.unwrap(), (vec![], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow() {
    let home = Home::new();
    let store = home.create().await;
    let other = AccountId(Uuid::from_u128(2));
    for n in 0..6_i64 {
        let account = if n % 2 == 0 { account() } else { other };
        let event = Event { account: Some(account), ..at(n * 10_000, &format!("actor {n}")) };
        store.commit(Batch::default().event(event)).await.unwrap();
    }
    let denied =
        Event { action: Action::AccountRead, outcome: Outcome::Denied, account: None, ..at(60_000, "mallory") };
    store.commit(Batch::default().event(denied)).await.unwrap();
    store.commit(Batch::default().put(key("a"), Expect::Any, vec![])).await.unwrap();

    let only = async |filter: Filter| all(&store, &filter, 2).await;
    let of_account = only(Filter { account: Some(account()), ..Filter::default() }).await;
    assert_eq!(actors(&of_account), ["actor 4", "actor 2", "actor 0"]);
    let of_nobody = only(Filter { account: Some(AccountId(Uuid::from_u128(3))), ..Filter::default() }).await;
    assert!(of_nobody.is_empty());
    let reads = only(Filter { action: Some("account.*".to_owned()), ..Filter::default() }).await;
    assert_eq!(actors(&reads), ["mallory"]);
    let own = only(Filter { action: Some("installation.housekeeping".to_owned()), ..Filter::default() }).await;
    assert_eq!(actors(&own), ["system", "system"], "the change without an event, and the creation");
    let since =
        only(Filter { since: Some(at(40_000, "").at), actor: None, account: Some(other), ..Filter::default() }).await;
    assert_eq!(actors(&since), ["actor 5"]);
    let between = Filter { since: Some(at(10_000, "").at), until: Some(at(30_000, "").at), ..Filter::default() };
    assert_eq!(actors(&only(between).await), ["actor 2", "actor 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chains_of_many_nodes_are_merged_by_time() {
    let home = Home::new();
    let url = postgres::database();
    let config = |node: &str| Config {
        storage: Storage::Postgres { url: url.clone(), max_connections: 3, node_file: Some(home.path(node)) },
        root_key: RootKeySource::File(home.path("root.key")),
        clock: Arc::new(Still),
    };
    let first = Ledger::create(&config("one")).await.unwrap();
    let second = Ledger::open(&config("two")).await.unwrap();
    for n in 1..40_i64 {
        let node = if n % 3 == 0 { &second } else { &first };
        node.commit(Batch::default().event(at(n, &n.to_string()))).await.unwrap();
    }
    let expected: Vec<String> = (1..40).rev().map(|n| n.to_string()).collect();
    for store in [&first, &second] {
        let filter = Filter { account: Some(account()), ..Filter::default() };
        assert_eq!(actors(&all(store, &filter, 7).await), expected);
        assert_eq!(actors(&all(store, &Filter::default(), 7).await)[..39], expected);
    }
    let report = second.verify(Some(&first.checkpoint().await.unwrap())).await.unwrap();
    assert!(report.holds() && report.checkpoints == 1, "{report:?}");
}
