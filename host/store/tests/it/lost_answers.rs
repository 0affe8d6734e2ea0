//! Commits whose answers are lost: each is answered with its actual outcome, and nothing
//! is done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use bursar_kernel::audit::Trail;
use bursar_kernel::store::{Batch, Expect, Revision, Store, StoreError};
use bursar_store::Ledger;
use bursar_store::engine::postgres::PostgresEngine;
use bursar_store::engine::{Engine, EngineError, Row, Snapshot, Transaction, Write};
use uuid::Uuid;

use crate::support::{Home, Still, account_key, event, postgres};

/// A database whose next answer to a commit is lost.
struct Lossy {
    engine: PostgresEngine,
    loses: Arc<AtomicU8>,
}

struct LossyTransaction {
    tx: Box<dyn Transaction>,
    loses: Arc<AtomicU8>,
}

/// What is lost next.
const NOTHING: u8 = 0;
const THE_ANSWER: u8 = 1;
const THE_COMMIT: u8 = 2;

#[async_trait]
impl Engine for Lossy {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        self.engine.get_many(keys).await
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        self.engine.scan(prefix, after, limit).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        Ok(Box::new(LossyTransaction { tx: self.engine.begin().await?, loses: Arc::clone(&self.loses) }))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        self.engine.snapshot().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}

#[async_trait]
impl Transaction for LossyTransaction {
    async fn lock(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        self.tx.lock(keys).await
    }

    async fn lock_shared(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        self.tx.lock_shared(keys).await
    }

    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        self.tx.get(key).await
    }

    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        self.tx.scan(prefix, after, limit).await
    }

    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError> {
        self.tx.revisions(count).await
    }

    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError> {
        self.tx.raise_revision(revision).await
    }

    async fn apply(&mut self, writes: Vec<Write>) -> Result<(), EngineError> {
        self.tx.apply(writes).await
    }

    async fn commit(self: Box<Self>) -> Result<(), EngineError> {
        let lost = || EngineError { uncertain: true, ..EngineError::new("the connection was reset") };
        match self.loses.swap(NOTHING, Ordering::SeqCst) {
            THE_ANSWER => {
                self.tx.commit().await?;
                Err(lost())
            }
            THE_COMMIT => {
                drop(self.tx);
                Err(lost())
            }
            _ => self.tx.commit().await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_answered_by_what_became_of_it() {
    let (home, url) = (Home::new(), postgres::database());
    let loses = Arc::new(AtomicU8::new(NOTHING));
    let engine = Lossy { engine: PostgresEngine::connect(&url, 4).await.unwrap(), loses: Arc::clone(&loses) };
    let node = Some(Uuid::from_u128(7));
    let store = Ledger::create_on(Arc::new(engine), node, &home.root_key(), Arc::new(Still)).await.unwrap();
    for (round, lost) in [THE_ANSWER, THE_COMMIT, NOTHING, THE_ANSWER, THE_ANSWER, THE_COMMIT].into_iter().enumerate() {
        loses.store(lost, Ordering::SeqCst);
        let key = account_key(0x18, format!("{round}"));
        let batch = Batch::default().put(key.clone(), Expect::Absent, vec![1]).event(event("alice"));
        let revision = store.commit(batch.clone()).await.unwrap();
        let record = store.get(&key).await.unwrap().unwrap();
        assert_eq!((record.revision, record.value), (revision, vec![1]));
        assert!(matches!(store.commit(batch).await, Err(StoreError::Conflict)), "it is there");
    }
    let (entries, _) = store.list(&bursar_kernel::audit::Filter::default(), None, 100).await.unwrap();
    let by_alice = entries.iter().filter(|entry| entry.event.actor == "alice").count();
    assert_eq!(by_alice, 6, "each once");
    assert!(store.verify(None).await.unwrap().holds());
}
