//! Creating and opening a store, also read-only after a broker has stopped.

use std::fs;

use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Store, StoreError};
use bursar_store::{Ledger, OpenError, RootKeySource};

use crate::support::{Home, config, event, key};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_created_once_and_opened_by_one() {
    let home = Home::new();
    assert!(matches!(Ledger::open(&home.config()).await.err().unwrap(), OpenError::NotInitialised));
    assert!(matches!(Ledger::open_read_only(&home.config()).await.err().unwrap(), OpenError::NotInitialised));
    let store = home.create().await;
    assert!(matches!(Ledger::create(&home.config()).await.err().unwrap(), OpenError::InUse));
    assert!(matches!(Ledger::open(&home.config()).await.err().unwrap(), OpenError::InUse));
    assert!(matches!(Ledger::open_read_only(&home.config()).await.err().unwrap(), OpenError::InUse));
    let node = store.node();
    store.close().await;
    assert!(matches!(store.get(&key("a")).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(Ledger::create(&home.config()).await.err().unwrap(), OpenError::AlreadyInitialised));
    let store = home.open().await;
    assert_eq!(store.node(), node);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_creation_can_be_repeated() {
    let home = Home::new();
    let unset = RootKeySource::Environment("BURSAR_TEST_NEVER_SET".to_owned());
    let failed = Ledger::create(&config(&home.path("bursar.redb"), unset)).await.err().unwrap();
    assert!(matches!(failed, OpenError::RootKey(_)));
    assert!(matches!(Ledger::open(&home.config()).await.err().unwrap(), OpenError::NotInitialised));
    assert!(home.create().await.verify(None).await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleanly_stopped_store_is_read_where_it_is() {
    let home = Home::new();
    let store = home.create().await;
    store.commit(Batch::default().put(key("a"), Expect::Absent, b"1".to_vec())).await.unwrap();
    store.close().await;
    let before = fs::read(home.path("bursar.redb")).unwrap();
    let opened = Ledger::open_read_only(&home.config()).await.unwrap();
    assert!(!opened.repaired_copy);
    assert_eq!(opened.ledger.get(&key("a")).await.unwrap().unwrap().value, b"1");
    assert!(opened.ledger.verify(None).await.unwrap().holds());
    let error = opened.ledger.commit(Batch::default().event(event("nobody"))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert_eq!(fs::read(home.path("bursar.redb")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_unclean_stop_a_repaired_copy_is_read() {
    let home = Home::new();
    let store = home.create().await;
    store.commit(Batch::default().put(key("a"), Expect::Absent, b"1".to_vec())).await.unwrap();
    // The file of a running broker is what a power cut leaves.
    let crashed = home.path("crashed.redb");
    fs::copy(home.path("bursar.redb"), &crashed).unwrap();
    store.close().await;
    let before = fs::read(&crashed).unwrap();
    let opened = Ledger::open_read_only(&config(&crashed, home.root_key())).await.unwrap();
    assert!(opened.repaired_copy);
    assert_eq!(opened.ledger.get(&key("a")).await.unwrap().unwrap().value, b"1");
    let report = opened.ledger.verify(None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
    assert_eq!(fs::read(&crashed).unwrap(), before, "reading changes nothing");
    drop(opened);

    let store = Ledger::open(&config(&crashed, home.root_key())).await.unwrap();
    store.commit(Batch::default().put(key("a"), Expect::Any, b"2".to_vec())).await.unwrap();
    assert!(store.verify(None).await.unwrap().holds());
}
