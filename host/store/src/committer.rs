//! Group commit: one task joins the waiting batches into one durable commit.
//!
//! Batches are checked in the order of their arrival, each against the state that the
//! earlier ones leave. A batch that conflicts fails alone. A collision with another
//! node retries the whole group; any other failure fails the whole group and changes
//! nothing, since every group starts from the state in the engine.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bursar_kernel::audit::Event;
use bursar_kernel::store::{Batch, Revision, StoreError};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroize;

use crate::anchor;
use crate::chain::{Head, RowChange};
use crate::group::{self, Failure};
use crate::ledger::Core;
use crate::pace::Pace;
use crate::rekey;
use crate::retention;
use crate::root::{RootKey, RootRecord};
use crate::segment::SegmentRange;

/// A command for the committer.
pub(crate) enum Command {
    Commit(Batch, oneshot::Sender<Result<Revision, StoreError>>),
    Rekey(Box<(RootKey, RootRecord, Event)>, oneshot::Sender<Result<u64, StoreError>>),
    /// Records the heads of the other chains; returns those that are broken.
    Anchor(oneshot::Sender<Result<Vec<String>, StoreError>>),
    /// Records the range that was exported, and the changes that are carried over.
    Prune(Box<(SegmentRange, Vec<RowChange>)>, oneshot::Sender<Result<(), StoreError>>),
    /// Removes these records, which were exported.
    Remove(RangeInclusive<u64>, oneshot::Sender<Result<(), StoreError>>),
    Close(oneshot::Sender<()>),
}

/// What the committer has done since the store was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Durable commits.
    pub commits: u64,
    /// Batches in these commits.
    pub batches: u64,
    /// Batches refused because a precondition did not hold.
    pub conflicts: u64,
    /// Audit records written.
    pub events: u64,
}

/// The counters behind [`Stats`].
#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    batches: AtomicU64,
    conflicts: AtomicU64,
    events: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> Stats {
        Stats {
            commits: self.commits.load(Relaxed),
            batches: self.batches.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            events: self.events.load(Relaxed),
        }
    }

    pub(crate) fn add(&self, commits: u64, batches: u64, conflicts: u64, events: u64) {
        self.commits.fetch_add(commits, Relaxed);
        self.batches.fetch_add(batches, Relaxed);
        self.conflicts.fetch_add(conflicts, Relaxed);
        self.events.fetch_add(events, Relaxed);
    }
}

/// Runs commands until [`Command::Close`], or until all senders are gone.
pub(crate) async fn run(core: Arc<Core>, mut commands: mpsc::Receiver<Command>) {
    let mut known_head = None;
    let mut pace = Pace::new();
    let mut next = commands.recv().await;
    while let Some(command) = next.take() {
        match command {
            Command::Commit(batch, reply) => {
                let mut group = Vec::from([(batch, reply)]);
                next = gather(&mut group, &mut pace, &mut commands).await;
                let started = Instant::now();
                let answers = commit(&core, &mut known_head, group).await;
                // Counted before the answers, after which writers may come back.
                pace.record_commit(started.elapsed(), answers.len(), commands.len());
                for (reply, answer) in answers {
                    // The caller may have given up, which changes nothing.
                    let _ = reply.send(answer);
                }
            }
            Command::Rekey(work, reply) => {
                let (root, record, event) = *work;
                let done = rekey::rewrap(&core, &root, &record, &event).await;
                known_head = None;
                let _ = reply.send(done);
            }
            Command::Anchor(reply) => {
                let _ = reply.send(retrying(|| anchor::record(&core)).await);
            }
            Command::Prune(work, reply) => {
                let (range, carried) = *work;
                let _ = reply.send(retrying(|| retention::record(&core, &range, &carried)).await);
            }
            Command::Remove(seqs, reply) => {
                let _ = reply.send(retrying(|| retention::remove(&core, seqs.clone())).await);
            }
            Command::Close(reply) => {
                core.engine.close().await;
                let _ = reply.send(());
                return;
            }
        }
        if next.is_none() {
            next = commands.recv().await;
        }
    }
    core.engine.close().await;
}

/// Adds to `group` the batches that wait and, for a moment, those that arrive: see
/// [`Pace`]. Returns the first command of another kind, if one arrives.
async fn gather(group: &mut Vec<Waiting>, pace: &mut Pace, commands: &mut mpsc::Receiver<Command>) -> Option<Command> {
    while group.len() < MAX_GROUP
        && let Ok(command) = commands.try_recv()
    {
        match command {
            Command::Commit(batch, reply) => group.push((batch, reply)),
            other => return Some(other),
        }
    }
    let present = group.len();
    let (target, max_wait) = pace.plan_wait(present);
    let target = target.min(MAX_GROUP);
    if target <= present {
        return None;
    }
    let mut other = None;
    let since = Instant::now();
    while group.len() < target && since.elapsed() < max_wait {
        match commands.try_recv() {
            Ok(Command::Commit(batch, reply)) => group.push((batch, reply)),
            Ok(command) => {
                other = Some(command);
                break;
            }
            // The runtime's timers have a resolution of a millisecond, longer than a
            // commit. Yielding lets the expected writers run.
            Err(_) => tokio::task::yield_now().await,
        }
    }
    pace.record_wait(target - present, group.len() - present);
    other
}

type Reply = oneshot::Sender<Result<Revision, StoreError>>;
type Waiting = (Batch, Reply);

/// Commits `group`; returns the answer to each of its batches.
async fn commit(
    core: &Core,
    known_head: &mut Option<Head>,
    group: Vec<Waiting>,
) -> Vec<(Reply, Result<Revision, StoreError>)> {
    let (mut batches, replies): (Vec<Batch>, Vec<_>) = group.into_iter().unzip();
    let (mut tries, since) = (0_u32, Instant::now());
    let outcome = loop {
        match group::commit(core, known_head.as_ref(), &batches).await {
            Err(Failure::Engine(error)) if error.retryable && tries < MAX_TRIES && since.elapsed() < MAX_RETRY_TIME => {
                tries += 1;
                tokio::time::sleep(backoff(tries)).await;
            }
            outcome => break outcome,
        }
    };
    // No plaintext stays in freed memory.
    batches.iter_mut().flat_map(|batch| &mut batch.changes).for_each(|change| change.value.zeroize());
    match outcome {
        Ok(done) => {
            *known_head = Some(done.head);
            replies.into_iter().zip(done.answers).collect()
        }
        Err(failure) => {
            *known_head = None;
            tracing::error!(error = failure.source(), batches = batches.len(), "a commit failed");
            let failure = Arc::new(failure);
            replies.into_iter().map(|reply| (reply, Err(Failure::share(&failure)))).collect()
        }
    }
}

/// Retries `work` while it collides with another node.
async fn retrying<T, F: Future<Output = Result<T, Failure>>>(work: impl Fn() -> F) -> Result<T, StoreError> {
    let mut tries = 0_u32;
    loop {
        match work().await {
            Err(Failure::Engine(error)) if error.retryable && tries < MAX_TRIES => {
                tries += 1;
                tokio::time::sleep(backoff(tries)).await;
            }
            done => return done.map_err(StoreError::from),
        }
    }
}

/// 1 to 2 ms, doubled with each attempt up to 64 times; random, so that two nodes that
/// collided do not collide again.
pub(crate) fn backoff(tries: u32) -> Duration {
    let mut jitter = [0];
    crate::seal::fill_random(&mut jitter);
    Duration::from_micros((1000 + u64::from(jitter[0]) * 4) << tries.min(6))
}

/// Most batches in one commit: bounds memory, and the locks in `PostgreSQL`.
const MAX_GROUP: usize = 128;
pub(crate) const MAX_TRIES: u32 = 30;
/// Longer than a suspended node can hold a lock.
const MAX_RETRY_TIME: Duration = Duration::from_secs(10);
