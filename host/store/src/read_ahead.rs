//! Prefetches what a request will read, for engines where each read is a network round
//! trip.
//!
//! A request finds its records step by step: a token's hash, its record, a name, an
//! id. Requests of the same kind read the same keys, so the reads of the last one
//! are repeated at the beginning of the next, in one statement. This is only a
//! hint: each prefetched answer is used once, anything else is read as usual, and
//! nothing but the list of reads is kept between requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{Engine, EngineError, Row, Scan};

/// The reads of one store.
pub(crate) struct ReadAhead {
    engine: Arc<dyn Engine>,
    learned: Mutex<Learned>,
}

/// One read.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Lookup {
    Keys(Vec<Vec<u8>>),
    Scan(Scan),
}

/// The reads of a running request.
struct RequestState {
    /// Prefetched answers that are not used yet.
    ready: HashMap<Lookup, Vec<Option<Row>>>,
    /// Why the prefetch failed: the answer to the first read.
    failed: Option<EngineError>,
    /// The reads so far.
    made: Vec<Lookup>,
    since: Instant,
}

/// The reads of each kind of request, for the kinds that were used last.
#[derive(Default)]
struct Learned {
    newer: HashMap<u64, Arc<[Lookup]>>,
    older: HashMap<u64, Arc<[Lookup]>>,
}

tokio::task_local! {
    static REQUEST: Mutex<RequestState>;
}

impl ReadAhead {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, learned: Mutex::default() }
    }

    /// Runs `request` after prefetching the reads of the last one of its `kind`. If it
    /// `went_well`, its reads are prefetched for the next one; otherwise nothing is: a
    /// refusal, for a revoked token or a rate limit, must cost no more than its own
    /// reads.
    pub(crate) async fn run<T>(
        &self,
        kind: u64,
        request: impl Future<Output = T>,
        went_well: impl FnOnce(&T) -> bool,
    ) -> T {
        if !self.engine.is_remote() {
            return request.await;
        }
        let prefetched = self.learned().get(kind);
        let mut state = RequestState { ready: HashMap::new(), failed: None, made: Vec::new(), since: Instant::now() };
        if let Some(lookups) = &prefetched {
            match self.prefetch(lookups).await {
                Ok(ready) => state.ready = ready,
                Err(error) => state.failed = Some(error),
            }
        }
        REQUEST
            .scope(Mutex::new(state), async {
                let answer = request.await;
                let made = REQUEST.with(|state| std::mem::take(&mut lock(state).made));
                if !went_well(&answer) {
                    self.learned().forget(kind);
                } else if prefetched.as_deref() != Some(&made) {
                    self.learned().put(kind, made);
                }
                answer
            })
            .await
    }

    /// As [`Engine::get_many`].
    pub(crate) async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        match prefetched(|| Lookup::Keys(keys.to_vec())) {
            Some(answer) => answer,
            None => self.engine.get_many(keys).await,
        }
    }

    /// As [`Engine::scan`].
    pub(crate) async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        match prefetched(|| Lookup::Scan(Scan { prefix: prefix.to_vec(), after: after.to_vec(), limit })) {
            Some(answer) => Ok(answer?.into_iter().flatten().collect()),
            None => self.engine.scan(prefix, after, limit).await,
        }
    }

    async fn prefetch(&self, lookups: &[Lookup]) -> Result<HashMap<Lookup, Vec<Option<Row>>>, EngineError> {
        let (mut keys, mut scans) = (Vec::new(), Vec::new());
        for lookup in lookups {
            match lookup {
                Lookup::Keys(some) => keys.extend_from_slice(some),
                Lookup::Scan(scan) => scans.push(scan.clone()),
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let (rows, found) = self.engine.read_all(&keys, &scans).await?;
        let by_key: HashMap<&[u8], &Row> = rows.iter().map(|row| (row.key.as_slice(), row)).collect();
        let mut found = found.into_iter();
        let mut ready = HashMap::new();
        for lookup in lookups {
            let answer = match lookup {
                Lookup::Keys(keys) => keys.iter().map(|key| by_key.get(key.as_slice()).copied().cloned()).collect(),
                Lookup::Scan(_) => found.next().unwrap_or_default().into_iter().map(Some).collect(),
            };
            ready.insert(lookup.clone(), answer);
        }
        Ok(ready)
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        lock(&self.learned)
    }
}

/// The prefetched answer to a read within a request; records the read.
fn prefetched(lookup: impl FnOnce() -> Lookup) -> Option<Result<Vec<Option<Row>>, EngineError>> {
    REQUEST
        .try_with(|state| {
            let mut state = lock(state);
            if let Some(error) = state.failed.take() {
                return Some(Err(error));
            }
            let lookup = lookup();
            // Repeating a read asks for what has changed since.
            let answer = state.ready.remove(&lookup);
            if state.made.len() < MAX_LOOKUPS && !state.made.contains(&lookup) {
                state.made.push(lookup);
            }
            answer.filter(|_| state.since.elapsed() < MAX_AGE).map(Ok)
        })
        .ok()
        .flatten()
}

impl Learned {
    fn get(&mut self, kind: u64) -> Option<Arc<[Lookup]>> {
        if let Some(lookups) = self.newer.get(&kind) {
            return Some(Arc::clone(lookups));
        }
        let lookups = self.older.remove(&kind)?;
        self.insert(kind, Arc::clone(&lookups));
        Some(lookups)
    }

    fn put(&mut self, kind: u64, lookups: Vec<Lookup>) {
        // Prefetching a single read saves no round trip.
        if lookups.len() > 1 && lookups.iter().filter(|lookup| matches!(lookup, Lookup::Scan(_))).count() <= MAX_SCANS {
            self.insert(kind, lookups.into());
        }
    }

    fn forget(&mut self, kind: u64) {
        self.newer.remove(&kind);
        self.older.remove(&kind);
    }

    fn insert(&mut self, kind: u64, lookups: Arc<[Lookup]>) {
        if self.newer.len() >= MAX_KINDS {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(kind, lookups);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request with more reads walks through a list, which predicts little.
const MAX_LOOKUPS: usize = 32;
/// Each scan is a part of the statement.
const MAX_SCANS: usize = 6;
/// Bounds memory to a few megabytes.
const MAX_KINDS: usize = 2_048;
/// A request that runs longer reads the current state.
const MAX_AGE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(number: u8) -> Lookup {
        Lookup::Keys(vec![vec![number]])
    }

    #[test]
    fn the_kinds_that_are_met_stay() {
        let mut learned = Learned::default();
        learned.put(0, vec![lookup(0), lookup(1)]);
        for kind in 1..u64::try_from(MAX_KINDS * 4).unwrap() {
            learned.put(kind, vec![lookup(1), lookup(2)]);
            if kind.is_multiple_of(1_000) {
                assert!(learned.get(0).is_some());
            }
        }
        assert!(learned.newer.len() + learned.older.len() <= MAX_KINDS * 2);
        assert!(learned.get(1).is_none());
        learned.forget(0);
        assert!(learned.get(0).is_none(), "a refusal costs nothing in advance");
        learned.put(7, vec![lookup(0)]);
        assert!(learned.get(7).is_none(), "it would save nothing");
    }
}
