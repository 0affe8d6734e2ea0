//! A store in memory.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bursar_kernel::audit::{Checkpoint, Entry, Event, Filter, Report, Trail};
use bursar_kernel::keys::Table;
use bursar_kernel::store::{Batch, BlindIndex, Expect, Record, Revision, Store, StoreError};

/// A map and the events, nothing sealed.
#[derive(Default)]
pub(crate) struct MapStore(Mutex<Inner>, AtomicU64);

#[derive(Default)]
struct Inner {
    revision: Revision,
    records: BTreeMap<Vec<u8>, Record>,
    events: Vec<Event>,
    /// Records that were read.
    reads: usize,
}

impl MapStore {
    /// Every event so far, oldest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }

    /// From now on lets others go first, now more often, now less: `seed` decides.
    pub(crate) fn yield_in_turn(&self, seed: u64) {
        self.1.store(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, Ordering::SeqCst);
    }

    async fn let_others_go(&self) {
        let mut state = self.1.load(Ordering::SeqCst);
        if state == 0 {
            return;
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.1.store(state, Ordering::SeqCst);
        for _ in 0..state % 4 {
            tokio::task::yield_now().await;
        }
    }

    /// How many records were read so far.
    pub(crate) fn reads(&self) -> usize {
        self.0.lock().unwrap().reads
    }

    /// Forgets a table, as a store has it from before there was one.
    pub(crate) fn forget(&self, table: Table) {
        self.0.lock().unwrap().records.retain(|key, _| key[0] != table as u8);
    }

    /// Makes every record what a build wrote that did not know `field` yet.
    pub(crate) fn forget_field(&self, field: &str) {
        for record in self.0.lock().unwrap().records.values_mut() {
            if let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&record.value)
                && fields.remove(field).is_some()
            {
                record.value = serde_json::to_vec(&fields).unwrap();
            }
        }
    }

    /// How many records a table has.
    pub(crate) fn count(&self, table: Table) -> usize {
        self.0.lock().unwrap().records.keys().filter(|key| key[0] == table as u8).count()
    }
}

#[async_trait]
impl Store for MapStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        self.let_others_go().await;
        let mut inner = self.0.lock().unwrap();
        inner.reads += 1;
        Ok(inner.records.get(key).cloned())
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Record>, StoreError> {
        self.let_others_go().await;
        let mut inner = self.0.lock().unwrap();
        let found = inner.records.values().filter(|record| record.key.starts_with(prefix) && *record.key > *after);
        let found: Vec<Record> = found.take(limit).cloned().collect();
        inner.reads += found.len();
        Ok(found)
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.let_others_go().await;
        let mut inner = self.0.lock().unwrap();
        let changed = batch.changes.iter().map(|change| (&change.key, change.expect));
        let required = batch.requirements.iter().map(|(key, expect)| (key, *expect));
        let mut keys = Vec::new();
        for (key, expect) in changed.chain(required) {
            assert!(!keys.contains(&key), "a batch names a key once");
            keys.push(key);
            let present = inner.records.get(key).map(|record| record.revision);
            let holds = match expect {
                Expect::Any => true,
                Expect::Absent => present.is_none(),
                Expect::At(revision) => present == Some(revision),
            };
            if !holds {
                return Err(StoreError::Conflict);
            }
        }
        inner.revision += 1;
        let revision = inner.revision;
        for change in batch.changes {
            match change.value {
                Some(value) => {
                    inner.records.insert(change.key.clone(), Record { key: change.key, revision, value });
                }
                None => {
                    inner.records.remove(&change.key);
                }
            }
        }
        inner.events.extend(batch.events);
        Ok(revision)
    }
}

#[async_trait]
impl Trail for MapStore {
    async fn list(&self, _: &Filter, _: Option<&str>, _: usize) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        Err(StoreError::Unavailable("these tests read the events".into()))
    }

    async fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        Err(StoreError::Unavailable("there is no chain".into()))
    }

    async fn verify(&self, _: Option<&Checkpoint>) -> Result<Report, StoreError> {
        Err(StoreError::Unavailable("there is no chain".into()))
    }
}

impl BlindIndex for MapStore {
    fn digest(&self, context: &str, text: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        for (round, part) in digest.chunks_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            (round, context, text).hash(&mut hasher);
            part.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        digest
    }
}
