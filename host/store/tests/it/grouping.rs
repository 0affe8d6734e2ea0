//! Group commit, with the committer held busy at a gate.

use std::sync::Arc;

use async_trait::async_trait;
use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Store, StoreError};
use bursar_store::Ledger;
use bursar_store::engine::redb::RedbEngine;
use bursar_store::engine::{Engine, EngineError, Row, Snapshot, Transaction};
use tokio::sync::Semaphore;

use crate::support::{CACHE_BYTES, Home, Still, account_key, event, key};

/// An engine whose transactions begin only while its gate is open.
struct Gated {
    engine: RedbEngine,
    gate: Semaphore,
}

#[async_trait]
impl Engine for Gated {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        self.engine.get_many(keys).await
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        self.engine.scan(prefix, after, limit).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        self.gate.acquire().await.unwrap().forget();
        self.engine.begin().await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        self.engine.snapshot().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}

async fn gated(home: &Home) -> (Arc<Gated>, Ledger) {
    let engine = RedbEngine::create(&home.path("bursar.redb"), CACHE_BYTES).unwrap();
    let engine = Arc::new(Gated { engine, gate: Semaphore::new(1) });
    let shared: Arc<dyn Engine> = Arc::clone(&engine) as _;
    let ledger = Ledger::create_on(shared, None, &home.root_key(), Arc::new(Still)).await.unwrap();
    (engine, ledger)
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_wait_share_a_commit() {
    let home = Home::new();
    let (engine, ledger) = gated(&home).await;
    let batch = |n: u32| {
        Batch::default().put(account_key(0x18, n.to_be_bytes()), Expect::Absent, vec![1]).event(event(&n.to_string()))
    };
    let mut commits: Vec<_> = (0..64).map(|n| ledger.commit(batch(n))).collect();
    // Each is submitted when it is first polled; none can be answered yet.
    for commit in &mut commits {
        assert!(futures::poll!(commit).is_pending());
    }
    engine.gate.add_permits(1000);
    let revisions: Vec<u64> = futures::future::try_join_all(commits).await.unwrap();
    assert!(revisions.is_sorted_by(|a, b| a < b), "a revision each, in the order they came: {revisions:?}");

    let stats = ledger.stats();
    assert_eq!((stats.batches, stats.conflicts, stats.events), (64, 0, 64));
    assert!(stats.commits <= 2, "{stats:?}");
    assert!(ledger.verify(None).await.unwrap().holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_group_each_sees_what_the_ones_before_it_did() {
    let home = Home::new();
    let (engine, ledger) = gated(&home).await;
    let secret = || account_key(0x18, "s");
    let batches = vec![
        Batch::default().event(event("holds the gate")),
        Batch::default().put(key("a"), Expect::Absent, b"1".to_vec()),
        Batch::default().put(key("a"), Expect::Absent, b"2".to_vec()).put(secret(), Expect::Any, b"never".to_vec()),
        Batch::default().put(secret(), Expect::Absent, b"3".to_vec()).event(event("three")),
        Batch::default().put(secret(), Expect::Any, b"4".to_vec()),
        Batch::default().delete(key("a"), Expect::Any),
        Batch::default().put(key("a"), Expect::Absent, b"6".to_vec()),
        Batch::default().delete(bursar_kernel::keys::account(crate::support::account()), Expect::Absent),
    ];
    let mut commits: Vec<_> = batches.into_iter().map(|batch| ledger.commit(batch)).collect();
    for commit in &mut commits {
        assert!(futures::poll!(commit).is_pending());
    }
    engine.gate.add_permits(1000);
    let answers = futures::future::join_all(commits).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(matches!(answer, Err(StoreError::Conflict)), n == 2, "{n}: {answer:?}");
        assert_eq!(answer.is_ok(), n != 2, "{n}: {answer:?}");
    }
    assert_eq!(ledger.get(&key("a")).await.unwrap().unwrap().value, b"6");
    assert_eq!(ledger.get(&secret()).await.unwrap().unwrap().value, b"4");
    let stats = ledger.stats();
    assert_eq!((stats.batches, stats.conflicts), (7, 1));
    assert!(stats.commits <= 2, "{stats:?}");
    let report = ledger.verify(None).await.unwrap();
    assert!(report.holds(), "{:?}", report.problems);
}
