//! A node that is suspended or disconnected in the middle of a commit: the others
//! continue, and its locks are released.

use std::sync::Arc;

use bursar_kernel::store::{Batch, Expect, Store};
use bursar_store::engine::Engine;
use bursar_store::engine::postgres::PostgresEngine;
use bursar_store::{Config, Ledger, RootKeySource, Storage};

use crate::support::{Home, Still, account, account_key, event, key, postgres};

struct World {
    _home: Home,
    ledger: Ledger,
    /// The engine of the suspended node.
    engine: PostgresEngine,
}

async fn world() -> World {
    let (home, url) = (Home::new(), postgres::database());
    let config = Config {
        storage: Storage::Postgres { url: url.clone(), max_connections: 3, node_file: Some(home.path("node")) },
        root_key: RootKeySource::File(home.path("root.key")),
        clock: Arc::new(Still),
    };
    let ledger = Ledger::create(&config).await.unwrap();
    let batch = Batch::default().put(key("account"), Expect::Absent, b"1".to_vec()).put(
        account_key(0x11, "asleep"),
        Expect::Absent,
        b"1".to_vec(),
    );
    ledger.commit(batch.event(event("alice"))).await.unwrap();
    let engine = PostgresEngine::connect(&url, 2).await.unwrap();
    World { _home: home, ledger, engine }
}

/// The row of the account's key.
fn key_row() -> Vec<u8> {
    [&[0xE1, 1], account().0.as_bytes().as_slice()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_commits_of_an_account_rest_on_is_not_waited_for() {
    let world = world().await;
    let mut asleep = world.engine.begin().await.unwrap();
    let held = asleep.lock_shared(&[key("account"), key_row(), key("not there")]).await.unwrap();
    assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    asleep.lock(&[account_key(0x11, "asleep")]).await.unwrap();
    let account = world.ledger.get(&key("account")).await.unwrap().unwrap();
    for n in 0..20 {
        let batch = Batch::default()
            .put(account_key(0x11, format!("{n}")), Expect::Absent, b"1".to_vec())
            .put(account_key(0x18, format!("{n}")), Expect::Absent, b"secret".to_vec())
            .require(key("account"), Expect::At(account.revision));
        world.ledger.commit(batch.event(event("bob"))).await.unwrap();
    }
    // Its session did not have to be ended for that.
    assert!(asleep.get(&key_row()).await.unwrap().is_some());
    asleep.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sleeper_changes_is_taken_from_it() {
    let world = world().await;
    let mut asleep = world.engine.begin().await.unwrap();
    asleep.lock(&[account_key(0x11, "asleep"), key_row(), key("new")]).await.unwrap();
    let batch = Batch::default().put(account_key(0x11, "asleep"), Expect::Any, b"2".to_vec()).put(
        key("new"),
        Expect::Absent,
        b"2".to_vec(),
    );
    world.ledger.commit(batch.event(event("bob"))).await.unwrap();
    assert!(asleep.commit().await.is_err(), "its session was ended");
    // And its engine reconnects.
    let mut awake = world.engine.begin().await.unwrap();
    assert!(awake.get(&key("new")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_may_be_read_slowly() {
    let world = world().await;
    let mut snapshot = world.engine.snapshot().await.unwrap();
    let first = snapshot.scan(&[], &[], 1).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(!snapshot.scan(&[], &first[0].key, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_may_be_filled_slowly() {
    let world = world().await;
    let mut tx = world.engine.begin().await.unwrap();
    tx.disable_idle_timeout().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(tx.get(&key_row()).await.unwrap().is_some());
    tx.commit().await.unwrap();
}
