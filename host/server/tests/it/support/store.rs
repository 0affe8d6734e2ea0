//! A store in memory.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use async_trait::async_trait;
use bursar_kernel::audit::{Checkpoint, Entry, Event, Filter, Report, Trail};
use bursar_kernel::store::{Batch, BlindIndex, Expect, Record, Revision, Store, StoreError};
use jiff::Timestamp;

/// A map and the events, nothing sealed.
#[derive(Default)]
pub(crate) struct MapStore(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    revision: Revision,
    records: BTreeMap<Vec<u8>, Record>,
    events: Vec<Event>,
}

impl MapStore {
    /// Every event so far, oldest first.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }
}

#[async_trait]
impl Store for MapStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        Ok(self.0.lock().unwrap().records.get(key).cloned())
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Record>, StoreError> {
        let inner = self.0.lock().unwrap();
        let found = inner.records.values().filter(|record| record.key.starts_with(prefix) && *record.key > *after);
        Ok(found.take(limit).cloned().collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut inner = self.0.lock().unwrap();
        let changed = batch.changes.iter().map(|change| (&change.key, change.expect));
        let required = batch.requirements.iter().map(|(key, expect)| (key, *expect));
        for (key, expect) in changed.chain(required) {
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
    async fn list(
        &self,
        filter: &Filter,
        _: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let hash = format!("sha256:{}", "0".repeat(64));
        let entries = (1..).zip(self.events()).filter(|(_, event)| filter.matches(event)).map(|(seq, event)| Entry {
            id: format!("node-{seq}"),
            seq,
            event,
            prev_hash: hash.clone(),
            hash: hash.clone(),
        });
        let mut entries: Vec<_> = entries.collect();
        entries.reverse();
        entries.truncate(limit);
        Ok((entries, None))
    }

    async fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        Ok(Checkpoint {
            node: "node".to_owned(),
            seq: 1,
            hash: format!("sha256:{}", "0".repeat(64)),
            at: Timestamp::UNIX_EPOCH,
            public_key: "key".to_owned(),
            signature: "signature".to_owned(),
        })
    }

    async fn verify(&self, witness: Option<&Checkpoint>) -> Result<Report, StoreError> {
        Ok(Report { checkpoints: u64::from(witness.is_some()), ..Report::default() })
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
