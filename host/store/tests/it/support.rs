//! Shared by the tests: a clock, stores in folders of their own, events.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::clock::Clock;
use bursar_kernel::id::AccountId;
use bursar_store::engine::redb::RedbEngine;
use bursar_store::engine::{Engine, Write};
use bursar_store::{Config, Ledger, RootKeySource, Storage};
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) mod postgres;

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }
}

/// A redb store's folder.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn root_key(&self) -> RootKeySource {
        RootKeySource::File(self.path("root.key"))
    }

    pub(crate) fn config(&self) -> Config {
        config(&self.path("bursar.redb"), self.root_key())
    }

    pub(crate) async fn create(&self) -> Ledger {
        Ledger::create(&self.config()).await.unwrap()
    }

    pub(crate) async fn open(&self) -> Ledger {
        Ledger::open(&self.config()).await.unwrap()
    }

    /// The closed store's engine, as anyone with the file can open it.
    pub(crate) fn engine(&self) -> RedbEngine {
        RedbEngine::open(&self.path("bursar.redb"), CACHE_BYTES).unwrap()
    }
}

pub(crate) fn config(path: &Path, root_key: RootKeySource) -> Config {
    let storage = Storage::Redb { path: path.to_owned(), cache_bytes: CACHE_BYTES };
    Config { storage, root_key, clock: Arc::new(Still) }
}

/// A key of the installation's scope.
pub(crate) fn key(suffix: impl AsRef<[u8]>) -> Vec<u8> {
    [&[0x02], suffix.as_ref()].concat()
}

/// A key in `table` of account 1.
pub(crate) fn account_key(table: u8, suffix: impl AsRef<[u8]>) -> Vec<u8> {
    [&[table], account().0.as_bytes().as_slice(), suffix.as_ref()].concat()
}

pub(crate) fn account() -> AccountId {
    AccountId(Uuid::from_u128(1))
}

pub(crate) fn event(actor: &str) -> Event {
    Event {
        at: Still.now(),
        actor: actor.to_owned(),
        actor_account: None,
        action: Action::CredentialReveal,
        outcome: Outcome::Ok,
        account: Some(account()),
        credential: None,
        version: None,
        region: None,
        request_id: None,
        client: None,
        plugin: None,
        detail: None,
    }
}

/// Writes rows behind the store's back.
pub(crate) async fn write(engine: &dyn Engine, writes: Vec<Write>) {
    let mut tx = engine.begin().await.unwrap();
    let keys: Vec<Vec<u8>> = writes.iter().map(|write| write.key.clone()).collect();
    tx.lock(&keys).await.unwrap();
    tx.apply(writes).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) const CACHE_BYTES: usize = 8 << 20;
