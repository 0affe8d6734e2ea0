//! Prefetching what a request will read, for engines where each read is a network
//! round trip.
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

/// Reads of one store.
pub(crate) struct ReadAhead {
    engine: Arc<dyn Engine>,
    learned: Mutex<Learned>,
}

/// A question.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Ask {
    Keys(Vec<Vec<u8>>),
    Scan(Scan),
}

/// What was answered in advance, and what was asked so far.
struct Request {
    ready: HashMap<Ask, Vec<Option<Row>>>,
    /// Why nothing was: it is the answer to the first question.
    failed: Option<EngineError>,
    asked: Vec<Ask>,
    since: Instant,
}

/// Questions by the likeness of requests: those of the last so many kinds.
#[derive(Default)]
struct Learned {
    newer: HashMap<u64, Arc<[Ask]>>,
    older: HashMap<u64, Arc<[Ask]>>,
}

tokio::task_local! {
    static REQUEST: Mutex<Request>;
}

impl ReadAhead {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, learned: Mutex::default() }
    }

    /// Runs `request` with what those like it asked for; where it `went_well`, the
    /// next one like it has what this one asks for, else it has nothing: a refusal,
    /// for a revoked token or a rate limit, must not cost more than its own reads.
    pub(crate) async fn within<T>(
        &self,
        likeness: u64,
        request: impl Future<Output = T>,
        went_well: impl FnOnce(&T) -> bool,
    ) -> T {
        if !self.engine.is_remote() {
            return request.await;
        }
        let foreseen = self.learned().get(likeness);
        let mut state = Request { ready: HashMap::new(), failed: None, asked: Vec::new(), since: Instant::now() };
        if let Some(asks) = &foreseen {
            match self.answer(asks).await {
                Ok(ready) => state.ready = ready,
                Err(error) => state.failed = Some(error),
            }
        }
        REQUEST
            .scope(Mutex::new(state), async {
                let answer = request.await;
                let asked = REQUEST.with(|state| std::mem::take(&mut lock(state).asked));
                if !went_well(&answer) {
                    self.learned().forget(likeness);
                } else if foreseen.as_deref() != Some(&asked) {
                    self.learned().put(likeness, asked);
                }
                answer
            })
            .await
    }

    /// As [`Engine::get_many`].
    pub(crate) async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        match foreseen(|| Ask::Keys(keys.to_vec())) {
            Some(answer) => answer,
            None => self.engine.get_many(keys).await,
        }
    }

    /// As [`Engine::scan`].
    pub(crate) async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        match foreseen(|| Ask::Scan(Scan { prefix: prefix.to_vec(), after: after.to_vec(), limit })) {
            Some(answer) => Ok(answer?.into_iter().flatten().collect()),
            None => self.engine.scan(prefix, after, limit).await,
        }
    }

    async fn answer(&self, asks: &[Ask]) -> Result<HashMap<Ask, Vec<Option<Row>>>, EngineError> {
        let (mut keys, mut scans) = (Vec::new(), Vec::new());
        for ask in asks {
            match ask {
                Ask::Keys(some) => keys.extend_from_slice(some),
                Ask::Scan(scan) => scans.push(scan.clone()),
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let (rows, found) = self.engine.read_all(&keys, &scans).await?;
        let by_key: HashMap<&[u8], &Row> = rows.iter().map(|row| (row.key.as_slice(), row)).collect();
        let mut found = found.into_iter();
        let mut ready = HashMap::new();
        for ask in asks {
            let answer = match ask {
                Ask::Keys(keys) => keys.iter().map(|key| by_key.get(key.as_slice()).copied().cloned()).collect(),
                Ask::Scan(_) => found.next().unwrap_or_default().into_iter().map(Some).collect(),
            };
            ready.insert(ask.clone(), answer);
        }
        Ok(ready)
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        lock(&self.learned)
    }
}

/// The answer in advance, within a request; notes that it was asked for.
fn foreseen(ask: impl FnOnce() -> Ask) -> Option<Result<Vec<Option<Row>>, EngineError>> {
    REQUEST
        .try_with(|state| {
            let mut state = lock(state);
            if let Some(error) = state.failed.take() {
                return Some(Err(error));
            }
            let ask = ask();
            // Who asks again wants to know what has changed since.
            let answer = state.ready.remove(&ask);
            if state.asked.len() < MOST_QUESTIONS && !state.asked.contains(&ask) {
                state.asked.push(ask);
            }
            answer.filter(|_| state.since.elapsed() < HOLDS_FOR).map(Ok)
        })
        .ok()
        .flatten()
}

impl Learned {
    fn get(&mut self, likeness: u64) -> Option<Arc<[Ask]>> {
        if let Some(asks) = self.newer.get(&likeness) {
            return Some(Arc::clone(asks));
        }
        let asks = self.older.remove(&likeness)?;
        self.keep(likeness, Arc::clone(&asks));
        Some(asks)
    }

    fn put(&mut self, likeness: u64, asks: Vec<Ask>) {
        // One question is no round trip more than asking for it in advance.
        if asks.len() > 1 && asks.iter().filter(|ask| matches!(ask, Ask::Scan(_))).count() <= MOST_SCANS {
            self.keep(likeness, asks.into());
        }
    }

    fn forget(&mut self, likeness: u64) {
        self.newer.remove(&likeness);
        self.older.remove(&likeness);
    }

    fn keep(&mut self, likeness: u64, asks: Arc<[Ask]>) {
        if self.newer.len() >= MOST_KINDS {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(likeness, asks);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is longer walks through something, and foresees little.
const MOST_QUESTIONS: usize = 32;
/// Each is a part of the statement.
const MOST_SCANS: usize = 6;
/// Some megabytes of questions.
const MOST_KINDS: usize = 2_048;
/// A request that goes on for longer reads what is there now.
const HOLDS_FOR: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(number: u8) -> Ask {
        Ask::Keys(vec![vec![number]])
    }

    #[test]
    fn the_kinds_that_are_met_stay() {
        let mut learned = Learned::default();
        learned.put(0, vec![ask(0), ask(1)]);
        for likeness in 1..u64::try_from(MOST_KINDS * 4).unwrap() {
            learned.put(likeness, vec![ask(1), ask(2)]);
            if likeness.is_multiple_of(1_000) {
                assert!(learned.get(0).is_some());
            }
        }
        assert!(learned.newer.len() + learned.older.len() <= MOST_KINDS * 2);
        assert!(learned.get(1).is_none());
        learned.forget(0);
        assert!(learned.get(0).is_none(), "a refusal costs nothing in advance");
        learned.put(7, vec![ask(0)]);
        assert!(learned.get(7).is_none(), "it saves nothing");
    }
}
