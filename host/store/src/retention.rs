//! Retention: exports the oldest records of a chain that has grown too large, without
//! breaking the proof.
//!
//! 1. The whole store is verified: nothing is removed from a trail with problems.
//! 2. The records are written to a file of their own, a segment, durably.
//! 3. One commit records in the chain the range of the segment, with its hashes
//!    (`audit.prune`), and carries over what only these records say about rows that
//!    have not changed since. From then on the chain proves itself without them.
//! 4. The records are removed, the oldest first, in parts. The next run finishes a
//!    removal that was interrupted.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bursar_kernel::audit::{Action, Event};
use bursar_kernel::store::StoreError;
use serde_json::json;
use tokio::sync::oneshot;

use crate::chain::{Appender, AuditRecord, CHECKPOINT_EVERY, GENESIS, RowChange};
use crate::committer::Command;
use crate::engine::{EngineError, Write};
use crate::group::Failure;
use crate::high_water_mark::own_head;
use crate::keyring::unsealable;
use crate::ledger::{Core, Ledger, stopped};
use crate::rows::{self, Rows, RowsError};
use crate::segment::{NewSegment, SegmentRange};
use crate::tables;
use crate::verify;

/// The exported records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pruned {
    /// Sequence number of the oldest record.
    pub first: u64,
    /// Sequence number of the newest record.
    pub last: u64,
    /// The file that holds them.
    pub segment: PathBuf,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// Verification found problems: possible evidence stays in the store.
    #[error("the audit trail has {problems} problems (run `bursar audit verify`), first: {first}")]
    Unverified {
        /// The number of problems.
        problems: usize,
        /// The first problem.
        first: String,
    },
    /// Most of a segment's size would only be carried over.
    #[error(
        "audit.max_bytes ({max_bytes}) is too low: {rows} unchanged records would be carried over into the trail; raise it"
    )]
    LimitTooLow {
        /// The configured limit.
        max_bytes: u64,
        /// The number of rows that would be carried over.
        rows: usize,
    },
    /// The file could not be written.
    #[error("the segment could not be written to {}", folder.display())]
    Segment {
        /// The folder for segments.
        folder: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The checkpoint on this machine could not be saved first.
    #[error("this node's checkpoint could not be saved")]
    Checkpoint(#[source] std::io::Error),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ledger {
    /// Exports the oldest records of this node's chain to a file in `folder` and removes
    /// them, if the chain takes about `max_bytes` or more. To be called again until it
    /// returns `None`.
    ///
    /// # Errors
    ///
    /// No record is removed that was not exported.
    pub async fn prune(&self, max_bytes: u64, folder: &Path) -> Result<Option<Pruned>, PruneError> {
        let core = &self.core;
        let before = last_exported(core).await?;
        if let Some(range) = &before {
            self.remove(range).await?;
        }
        let oldest = before.as_ref().map_or(1, |range| range.last + 1);
        let head = core.high_water_mark.get();
        let size = ChainSize::of(core, oldest, head.seq).await?;
        if size.bytes() < max_bytes {
            return Ok(None);
        }
        // A restart looks for the record of the saved checkpoint, which must still be in the store.
        core.save_checkpoint().await.map_err(PruneError::Checkpoint)?;
        let length = (size.records / SEGMENT_SHARE).clamp(1, MAX_SEGMENT_RECORDS);
        let last = oldest + length - 1;
        if last + MIN_REMAINING > head.seq {
            return Ok(None);
        }

        let mut snapshot = core.engine.snapshot().await.map_err(StoreError::from)?;
        let options = verify::VerifyOptions { cut: Some((core.node, last)), ..verify::VerifyOptions::default() };
        let verified = verify::verify(&core.keyring, &mut *snapshot, options).await?;
        if let Some(first) = verified.report.problems.first() {
            return Err(PruneError::Unverified { problems: verified.report.problems.len(), first: first.clone() });
        }
        let rows = verified.carried.len();
        if rows as u64 * CARRIED_BYTES > length * size.bytes_per_record / 2 {
            return Err(PruneError::LimitTooLow { max_bytes, rows });
        }
        let last_hash = verified.hash(core.node, last);
        let range = SegmentRange {
            node: core.node,
            first: oldest,
            last,
            previous: before.map_or(GENESIS, |before| before.hash),
            hash: last_hash.ok_or_else(|| unsealable(&tables::audit(core.node, last)))?,
        };
        let records = Rows::between(
            &tables::audit_of_node(core.node),
            tables::audit(core.node, last + 1),
            tables::audit(core.node, oldest),
        );
        let (to, of) = (folder.to_owned(), range.clone());
        let open = move || NewSegment::create(&to, &of);
        rows::stream(&mut *snapshot, NewSegment::header(&range), records, open).await.map_err(|error| match error {
            RowsError::Store(error) => PruneError::Store(error),
            RowsError::Io(source) => PruneError::Segment { folder: folder.to_owned(), source },
            RowsError::Malformed(why) => {
                PruneError::Segment { folder: folder.to_owned(), source: std::io::Error::other(why) }
            }
        })?;
        drop(snapshot);

        let (reply, answer) = oneshot::channel();
        self.send(Command::Prune(Box::new((range.clone(), verified.carried)), reply)).await?;
        answer.await.map_err(|_| stopped())??;
        self.remove(&range).await?;
        Ok(Some(Pruned { first: oldest, last, segment: folder.join(range.file_name()) }))
    }

    /// Removes the remaining records of `range`, the oldest first.
    async fn remove(&self, range: &SegmentRange) -> Result<(), StoreError> {
        let node = range.node;
        let newest = self.core.engine.get_many(&[tables::audit(node, range.last)]).await?;
        if newest.iter().all(Option::is_none) {
            return Ok(());
        }
        let mut first = range.first;
        while first <= range.last {
            let last = range.last.min(first + REMOVED_PER_COMMIT - 1);
            let (reply, answer) = oneshot::channel();
            self.send(Command::Remove(first..=last, reply)).await?;
            answer.await.map_err(|_| stopped())??;
            first = last + 1;
        }
        Ok(())
    }
}

/// The newest exported range, according to this node's chain.
async fn last_exported(core: &Core) -> Result<Option<SegmentRange>, StoreError> {
    let key = tables::exported(core.node);
    let Some(row) = core.engine.get_many(std::slice::from_ref(&key)).await?.pop().flatten() else { return Ok(None) };
    let opened = core.keyring.audit.open(row.revision, &key, row.revision, &row.value);
    let range = opened.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    range.map(Some).ok_or_else(|| unsealable(&key))
}

/// Records in the chain the range that was exported, and the changes that are carried
/// over.
///
/// # Errors
///
/// Nothing is recorded then.
pub(crate) async fn record(core: &Core, range: &SegmentRange, carried: &[RowChange]) -> Result<(), Failure> {
    let mut tx = core.engine.begin().await?;
    let key = tables::exported(core.node);
    tx.lock(&[tables::head(core.node), key.clone()]).await?;
    let head = own_head(core, &mut *tx).await?;
    let revision = tx.revisions(1).await?.pop().ok_or_else(|| EngineError::new("the engine returned no revision"))?;
    let now = core.clock.now();
    let mut chain = Appender::new(&core.keyring, head, now);
    let mut records = 1;
    for part in carried.chunks(CARRIED_PER_RECORD) {
        let event = Event { detail: Some(json!({ "carried": part.len() })), ..Event::system(now, Action::AuditPrune) };
        chain.append(revision, &event, part.to_vec());
        records += 1;
    }
    let bytes = serde_json::to_vec(range).map_err(|error| StoreError::Unavailable(error.into()))?;
    let row = Write { content: Some((revision, core.keyring.audit.seal(revision, &key, revision, &bytes))), key };
    let event = Event { detail: Some(json!(range)), ..Event::system(now, Action::AuditPrune) };
    chain.append(revision, &event, vec![RowChange::of(&row)]);
    let (mut writes, head) = chain.finish();
    writes.push(row);
    tx.apply(writes).await?;
    tx.commit().await?;
    core.high_water_mark.committed(&head);
    core.counters.add(1, 1, 0, records);
    Ok(())
}

/// Removes records with their index rows and checkpoints. They may be gone already.
///
/// # Errors
///
/// Nothing is removed then.
pub(crate) async fn remove(core: &Core, seqs: RangeInclusive<u64>) -> Result<(), Failure> {
    let node = core.node;
    let keys: Vec<Vec<u8>> = seqs.clone().map(|seq| tables::audit(node, seq)).collect();
    let mut gone = Vec::new();
    for row in core.engine.get_many(&keys).await?.into_iter().flatten() {
        let (record, _) = AuditRecord::open(&core.keyring, &row).ok_or_else(|| unsealable(&row.key))?;
        gone.push(row.key);
        gone.extend(record.event.account.map(|account| tables::audit_account(account.0, node, record.seq)));
        if record.seq.is_multiple_of(CHECKPOINT_EVERY) {
            gone.push(tables::checkpoint(node, record.seq));
        }
    }
    let mut tx = core.engine.begin().await?;
    tx.apply(gone.into_iter().map(|key| Write { key, content: None }).collect()).await?;
    tx.commit().await?;
    Ok(())
}

/// The approximate size of a chain, from a sample of its records.
struct ChainSize {
    records: u64,
    bytes_per_record: u64,
}

impl ChainSize {
    async fn of(core: &Core, oldest: u64, newest: u64) -> Result<Self, StoreError> {
        let records = (newest + 1).saturating_sub(oldest);
        let step = (records / SAMPLE_SIZE).max(1);
        let seqs = (oldest..=newest).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        let keys: Vec<Vec<u8>> = seqs.map(|seq| tables::audit(core.node, seq)).collect();
        let found = core.engine.get_many(&keys).await?;
        let sizes: Vec<u64> = found.iter().flatten().map(|row| (row.value.len() + ROW_BYTES) as u64).collect();
        let bytes_per_record = sizes.iter().sum::<u64>() / (sizes.len() as u64).max(1);
        Ok(Self { records, bytes_per_record })
    }

    fn bytes(&self) -> u64 {
        self.records * self.bytes_per_record
    }
}

/// A segment holds one part in so many of the chain.
const SEGMENT_SHARE: u64 = 4;
/// The most records in a segment.
const MAX_SEGMENT_RECORDS: u64 = 250_000;
/// The number of newest records that always stay.
const MIN_REMAINING: u64 = 1_000;
const CARRIED_PER_RECORD: usize = 500;
/// A key, a revision and a digest.
const CARRIED_BYTES: u64 = 100;
const REMOVED_PER_COMMIT: u64 = 500;
const SAMPLE_SIZE: u64 = 500;
/// Size of a record's row and of its index row, without the values.
const ROW_BYTES: usize = 100;
