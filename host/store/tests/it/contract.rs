//! What every engine must do, run over redb bare, redb sealed and `PostgreSQL`
//! sealed.

use std::sync::Arc;

use bursar_kernel::store::{Batch, Expect, Store, StoreError};
use bursar_store::engine::redb::RedbEngine;
use bursar_store::{Config, Ledger, RootKeySource, Storage};

use crate::support::{CACHE_BYTES, Home, Still, account_key, key, postgres};

macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        mod bare_redb {
            $( #[tokio::test(flavor = "multi_thread")] async fn $case() {
                let home = super::Home::new();
                super::$case(super::bare(&home).await).await;
            } )*
        }
        mod sealed_redb {
            $( #[tokio::test(flavor = "multi_thread")] async fn $case() {
                let home = super::Home::new();
                super::$case(super::Arc::new(home.create().await)).await;
            } )*
        }
        mod sealed_postgres {
            $( #[tokio::test(flavor = "multi_thread")] async fn $case() {
                let home = super::Home::new();
                super::$case(super::on_postgres(&home).await).await;
            } )*
        }
    };
}

contract!(
    a_missing_key_reads_as_none,
    what_was_put_is_read,
    absent_twice_conflicts,
    a_stale_revision_conflicts,
    a_conflict_leaves_nothing,
    a_precondition_alone_is_kept,
    a_requirement_is_kept_and_changes_nothing,
    a_revision_is_never_used_twice,
    scans_page_in_key_order,
    scans_stay_inside_their_prefix,
    concurrent_increments_are_all_counted,
    of_many_only_one_is_first,
    wrong_batches_are_refused,
    the_stores_own_rows_are_out_of_reach,
    large_values_and_batches,
);

async fn bare(home: &Home) -> Arc<Ledger> {
    let engine = RedbEngine::create(&home.path("bare.redb"), CACHE_BYTES).unwrap();
    Arc::new(Ledger::danger_unsealed(Arc::new(engine), Arc::new(Still)).await.unwrap())
}

async fn on_postgres(home: &Home) -> Arc<Ledger> {
    Arc::new(Ledger::create(&postgres_config(home, postgres::database(), "node-1")).await.unwrap())
}

fn postgres_config(home: &Home, url: String, node: &str) -> Config {
    let storage = Storage::Postgres { url, max_connections: 5, node_file: Some(home.path(node)) };
    Config { storage, root_key: RootKeySource::File(home.path("root.key")), clock: Arc::new(Still) }
}

fn put(key: Vec<u8>, expect: Expect, value: &str) -> Batch {
    Batch::default().put(key, expect, value.into())
}

async fn a_missing_key_reads_as_none(store: Arc<dyn Store>) {
    assert!(store.get(&key("a")).await.unwrap().is_none());
    assert!(store.get(&account_key(0x18, "a")).await.unwrap().is_none());
    assert!(store.scan(&key("a"), b"", 9).await.unwrap().is_empty());
}

async fn what_was_put_is_read(store: Arc<dyn Store>) {
    for place in [key("a"), account_key(0x11, "a"), account_key(0x18, "a")] {
        let revision = store.commit(put(place.clone(), Expect::Absent, "one")).await.unwrap();
        let read = store.get(&place).await.unwrap().unwrap();
        assert_eq!((read.revision, read.value.as_slice(), &read.key), (revision, b"one".as_slice(), &place));

        let later = store.commit(put(place.clone(), Expect::At(revision), "two")).await.unwrap();
        assert!(later > revision);
        let read = store.scan(&place, b"", 9).await.unwrap().remove(0);
        assert_eq!((read.revision, read.value.as_slice()), (later, b"two".as_slice()));
    }
}

async fn absent_twice_conflicts(store: Arc<dyn Store>) {
    store.commit(put(key("a"), Expect::Absent, "1")).await.unwrap();
    assert!(matches!(store.commit(put(key("a"), Expect::Absent, "2")).await, Err(StoreError::Conflict)));
    assert_eq!(store.get(&key("a")).await.unwrap().unwrap().value, b"1");
}

async fn a_stale_revision_conflicts(store: Arc<dyn Store>) {
    let old = store.commit(put(key("a"), Expect::Any, "1")).await.unwrap();
    store.commit(put(key("a"), Expect::At(old), "2")).await.unwrap();
    assert!(matches!(store.commit(put(key("a"), Expect::At(old), "3")).await, Err(StoreError::Conflict)));
    let delete = Batch::default().delete(key("a"), Expect::At(old));
    assert!(matches!(store.commit(delete).await, Err(StoreError::Conflict)));
    assert!(matches!(store.commit(put(key("none"), Expect::At(old), "3")).await, Err(StoreError::Conflict)));
}

async fn a_conflict_leaves_nothing(store: Arc<dyn Store>) {
    store.commit(put(key("b"), Expect::Any, "1")).await.unwrap();
    let batch = put(account_key(0x18, "a"), Expect::Any, "1").put(key("b"), Expect::Absent, b"2".to_vec());
    assert!(matches!(store.commit(batch).await, Err(StoreError::Conflict)));
    assert!(store.get(&account_key(0x18, "a")).await.unwrap().is_none());
    // The account key that the refused batch would have created does not exist either.
    store.commit(put(account_key(0x18, "a"), Expect::Absent, "3")).await.unwrap();
    assert_eq!(store.get(&account_key(0x18, "a")).await.unwrap().unwrap().value, b"3");
}

async fn a_requirement_is_kept_and_changes_nothing(store: Arc<dyn Store>) {
    let revision = store.commit(put(key("name"), Expect::Absent, "x")).await.unwrap();
    let with = |expect, value: &str| put(key("default"), Expect::Any, value).require(key("name"), expect);

    store.commit(with(Expect::At(revision), "a")).await.unwrap();
    assert!(matches!(store.commit(with(Expect::Absent, "b")).await, Err(StoreError::Conflict)));
    assert_eq!(store.get(&key("name")).await.unwrap().unwrap().revision, revision);

    // Batches with the same requirement do not conflict with each other.
    let all = (0..32).map(|n| store.commit(with(Expect::At(revision), &n.to_string())));
    assert!(futures::future::join_all(all).await.iter().all(Result::is_ok));

    store.commit(Batch::default().delete(key("name"), Expect::Any)).await.unwrap();
    assert!(matches!(store.commit(with(Expect::At(revision), "c")).await, Err(StoreError::Conflict)));
    assert_ne!(store.get(&key("default")).await.unwrap().unwrap().value, b"c");
}

async fn a_precondition_alone_is_kept(store: Arc<dyn Store>) {
    let guarded = || put(key("a"), Expect::Any, "1").delete(key("guard"), Expect::Absent);
    store.commit(guarded()).await.unwrap();
    store.commit(put(key("guard"), Expect::Absent, "")).await.unwrap();
    assert!(matches!(store.commit(guarded()).await, Err(StoreError::Conflict)));
    assert!(store.get(&key("guard")).await.unwrap().unwrap().value.is_empty());
}

async fn a_revision_is_never_used_twice(store: Arc<dyn Store>) {
    let mut seen = Vec::new();
    for place in [key("a"), account_key(0x18, "a")] {
        for _ in 0..3 {
            let revision = store.commit(put(place.clone(), Expect::Absent, "1")).await.unwrap();
            seen.push(revision);
            seen.push(store.commit(Batch::default().delete(place.clone(), Expect::At(revision))).await.unwrap());
            assert!(store.get(&place).await.unwrap().is_none());
            let stale = put(place.clone(), Expect::At(revision), "2");
            assert!(matches!(store.commit(stale).await, Err(StoreError::Conflict)));
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
}

async fn scans_page_in_key_order(store: Arc<dyn Store>) {
    for suffix in ["p/c", "p/a", "p/b", "q"] {
        store.commit(put(key(suffix), Expect::Any, suffix)).await.unwrap();
    }
    let page = |after: Vec<u8>, limit| {
        let store = Arc::clone(&store);
        async move {
            let records = store.scan(&key("p/"), &after, limit).await.unwrap();
            records.into_iter().map(|record| record.key).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(vec![], 2).await, [key("p/a"), key("p/b")]);
    assert_eq!(page(key("p/b"), 2).await, [key("p/c")]);
    assert_eq!(page(key("p/aa"), 9).await, [key("p/b"), key("p/c")]);
    assert!(page(key("p/c"), 2).await.is_empty());
    assert!(page(key("z"), 2).await.is_empty());
    assert!(page(vec![], 0).await.is_empty());
    assert_eq!(page(key("a"), 9).await.len(), 3);
}

async fn scans_stay_inside_their_prefix(store: Arc<dyn Store>) {
    for suffix in [vec![0xFE], vec![0xFF], vec![0xFF, 0], vec![0xFF, 0xFF], vec![0xFF, 0xFF, 0xFF]] {
        store.commit(put(key(suffix), Expect::Any, "1")).await.unwrap();
    }
    store.commit(put(vec![0x03], Expect::Any, "1")).await.unwrap();
    let count = |prefix: Vec<u8>| {
        let store = Arc::clone(&store);
        async move { store.scan(&prefix, b"", 99).await.unwrap().len() }
    };
    assert_eq!(count(key([0xFF])).await, 4);
    assert_eq!(count(key([0xFF, 0xFF])).await, 2);
    assert_eq!(count(key([])).await, 5);
    assert_eq!(count(vec![]).await, 6);
    assert_eq!(count(vec![0xFF]).await, 0);
    assert_eq!(store.scan(&key([0xFF]), &key([0xFF, 0xFF]), 99).await.unwrap().len(), 1);
}

async fn concurrent_increments_are_all_counted(store: Arc<dyn Store>) {
    let place = account_key(0x11, "counter");
    store.commit(put(place.clone(), Expect::Absent, "0")).await.unwrap();
    let increment = |store: Arc<dyn Store>, place: Vec<u8>| async move {
        loop {
            let record = store.get(&place).await.unwrap().unwrap();
            let count: u32 = String::from_utf8(record.value).unwrap().parse().unwrap();
            match store.commit(put(place.clone(), Expect::At(record.revision), &(count + 1).to_string())).await {
                Ok(_) => break,
                Err(StoreError::Conflict) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    futures::future::join_all((0..32).map(|_| tokio::spawn(increment(Arc::clone(&store), place.clone()))))
        .await
        .into_iter()
        .for_each(Result::unwrap);
    assert_eq!(store.get(&place).await.unwrap().unwrap().value, b"32");
}

async fn of_many_only_one_is_first(store: Arc<dyn Store>) {
    let place = account_key(0x18, "a");
    let tries = (0..200).map(|n| {
        let (store, place) = (Arc::clone(&store), place.clone());
        tokio::spawn(async move { store.commit(put(place, Expect::Absent, &n.to_string())).await.map(|_| n) })
    });
    let mut winners = Vec::new();
    for outcome in futures::future::join_all(tries).await {
        match outcome.unwrap() {
            Ok(n) => winners.push(n),
            Err(error) => assert!(matches!(error, StoreError::Conflict), "{error:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get(&place).await.unwrap().unwrap().value, winners[0].to_string().into_bytes());
}

async fn wrong_batches_are_refused(store: Arc<dyn Store>) {
    let twice = put(key("a"), Expect::Any, "1").delete(key("a"), Expect::Any);
    let nowhere = put(vec![0x7F], Expect::Any, "1");
    let too_many =
        (0..5000_u32).fold(Batch::default(), |batch, n| batch.put(key(n.to_be_bytes()), Expect::Any, vec![]));
    for batch in [twice, nowhere, too_many] {
        assert!(matches!(store.commit(batch).await, Err(StoreError::Unavailable(_))));
    }
    assert!(store.scan(b"", b"", 9).await.unwrap().is_empty());
    store.commit(put(key("a"), Expect::Absent, "1")).await.unwrap();
}

async fn the_stores_own_rows_are_out_of_reach(store: Arc<dyn Store>) {
    store.commit(put(account_key(0x18, "a"), Expect::Any, "1")).await.unwrap();
    assert_eq!(store.scan(b"", b"", 99).await.unwrap().len(), 1);
    assert!(store.scan(&[0xE0], b"", 99).await.unwrap().is_empty());
    assert!(store.get(&[0xE0, 1]).await.unwrap().is_none());
    assert!(store.commit(put(vec![0xE0, 1], Expect::Any, "1")).await.is_err());
    assert!(store.commit(Batch::default().delete(vec![0xE0, 1], Expect::Any)).await.is_err());
}

async fn large_values_and_batches(store: Arc<dyn Store>) {
    let value = vec![7; 1 << 20];
    let batch = (0..200_u32).fold(Batch::default().put(key("large"), Expect::Absent, value.clone()), |batch, n| {
        batch.put(account_key(0x18, n.to_be_bytes()), Expect::Absent, n.to_be_bytes().to_vec())
    });
    store.commit(batch).await.unwrap();
    assert_eq!(store.get(&key("large")).await.unwrap().unwrap().value, value);
    let all = store.scan(&account_key(0x18, ""), b"", 999).await.unwrap();
    assert_eq!(all.len(), 200);
    assert!((0..200_u32).zip(&all).all(|(n, record)| record.value == n.to_be_bytes()));
}

/// Two brokers on one database: commits of the same keys meet in the engine, not in a
/// committer.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_one_database() {
    let home = Home::new();
    let url = postgres::database();
    let first = Arc::new(Ledger::create(&postgres_config(&home, url.clone(), "node-1")).await.unwrap());
    let second = Arc::new(Ledger::open(&postgres_config(&home, url.clone(), "node-2")).await.unwrap());
    assert_ne!(first.node(), second.node());

    let tries = (0..60).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &first } else { &second });
        tokio::spawn(async move {
            // All write one key, and each one of its own, in the scope of a new account.
            let batch = put(account_key(0x18, format!("own {n}")), Expect::Absent, "1");
            store.commit(batch).await.unwrap();
            store.commit(put(account_key(0x18, "one"), Expect::Absent, &n.to_string())).await.is_ok()
        })
    });
    let won = futures::future::join_all(tries).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert_eq!(won, 1);
    for store in [&first, &second] {
        assert_eq!(store.scan(&account_key(0x18, ""), b"", 99).await.unwrap().len(), 61);
    }

    // Each requires the absence of the other's key: one of the two succeeds.
    let guard = |store: Arc<Ledger>, mine: String, other: String| {
        tokio::spawn(async move {
            store.commit(put(key(mine), Expect::Absent, "").delete(key(other), Expect::Absent)).await
        })
    };
    for n in 0..20 {
        let one = guard(Arc::clone(&first), format!("x{n}"), format!("y{n}"));
        let other = guard(Arc::clone(&second), format!("y{n}"), format!("x{n}"));
        let won = [one.await.unwrap().is_ok(), other.await.unwrap().is_ok()];
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {n}");
    }
    let report = bursar_kernel::audit::Trail::verify(&*first, None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
    assert!(report.entries > 60);

    // The node keeps its id, and its chain goes on.
    second.close().await;
    let again = Ledger::open(&postgres_config(&home, url, "node-2")).await.unwrap();
    assert_eq!(again.node(), second.node());
    again.commit(put(key("again"), Expect::Absent, "1")).await.unwrap();
    let report = bursar_kernel::audit::Trail::verify(&again, None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
}
