//! Verification: are the chains intact, and do the live rows match them?
//!
//! One pass over a snapshot in key order. A node's records come newest first, so the
//! first mention of a row is its last change. Its digest is kept, and compared when the
//! rows themselves are read.
//!
//! The oldest records of a chain may be missing if the chain records their export; if
//! the exported files are given, the walk continues through them.

mod anchors;
mod exported;

use std::collections::{BTreeMap, HashMap, HashSet};

use bursar_kernel::audit::{Checkpoint, Report};
use bursar_kernel::store::{Revision, StoreError};
use uuid::Uuid;

use crate::chain::{AuditRecord, CHECKPOINT_EVERY, GENESIS, Hash, Head, RowChange, hash_of, hash_text, sha256};
use crate::checkpoint;
use crate::engine::{Row, Snapshot};
use crate::keyring::Keyring;
use crate::rows::Rows;
use crate::segment::{Segment, SegmentRange};
use crate::tables;

/// What to verify beyond the store itself.
#[derive(Default)]
pub(crate) struct VerifyOptions<'a> {
    /// A checkpoint that was stored elsewhere.
    pub(crate) trusted: Option<&'a Checkpoint>,
    /// The exported files.
    pub(crate) segments: Vec<Segment>,
    /// The node and the newest of its records that are about to be exported.
    pub(crate) cut: Option<(Uuid, u64)>,
}

/// The result of a verification.
pub(crate) struct Verified {
    pub(crate) report: Report,
    /// Changes of live rows that only the records to be exported mention.
    pub(crate) carried: Vec<RowChange>,
    hashes: HashMap<Uuid, Vec<(u64, Hash)>>,
}

impl Verified {
    /// The hash of a record that was walked.
    pub(crate) fn hash(&self, node: Uuid, seq: u64) -> Option<Hash> {
        hash_at(&self.hashes, node, seq)
    }
}

/// Verifies every chain and every live row.
///
/// # Errors
///
/// Only if the snapshot cannot be read.
pub(crate) async fn verify(
    keyring: &Keyring,
    snapshot: &mut dyn Snapshot,
    options: VerifyOptions<'_>,
) -> Result<Verified, StoreError> {
    let VerifyOptions { trusted, segments, cut } = options;
    let mut verifier = Verifier {
        keyring,
        report: Report::default(),
        heads: BTreeMap::new(),
        checkpoints: HashMap::new(),
        expected: HashMap::new(),
        index: HashSet::new(),
        claims: BTreeMap::new(),
        hashes: HashMap::new(),
        trusted,
        trusted_found: false,
        exported: BTreeMap::new(),
        segments,
        cut,
        carried: Vec::new(),
    };
    verifier.heads(snapshot).await?;
    verifier.checkpoints(snapshot).await?;
    verifier.chains(snapshot).await?;
    verifier.anchor_rows(snapshot).await?;
    verifier.anchors();
    verifier.account_index(snapshot).await?;
    verifier.live_rows(snapshot).await?;
    verifier.check_trusted();
    let Verifier { report, carried, hashes, .. } = verifier;
    Ok(Verified { report, carried, hashes })
}

struct Verifier<'a> {
    keyring: &'a Keyring,
    report: Report,
    heads: BTreeMap<Uuid, Head>,
    /// The hashes in the stored checkpoints.
    checkpoints: HashMap<(Uuid, u64), Hash>,
    expected: HashMap<Vec<u8>, Expected>,
    /// Index rows that must exist.
    index: HashSet<Vec<u8>>,
    /// The anchors in the chains, by node and sequence number, with the recording record.
    claims: BTreeMap<(Uuid, u64), (Hash, String)>,
    /// The hashes of each chain's records, newest first.
    hashes: HashMap<Uuid, Vec<(u64, Hash)>>,
    trusted: Option<&'a Checkpoint>,
    trusted_found: bool,
    /// The newest exported range of each chain.
    exported: BTreeMap<Uuid, SegmentRange>,
    segments: Vec<Segment>,
    cut: Option<(Uuid, u64)>,
    carried: Vec<RowChange>,
}

/// What the newest record that mentions a row says about it.
struct Expected {
    revision: Revision,
    digest: Option<Hash>,
    node: Uuid,
    seq: u64,
}

/// A walk down one node's chain.
struct Walk {
    node: Uuid,
    /// The sequence number that must come next; `None` at the start of a chain without a
    /// head.
    next: Option<u64>,
    /// The hash that the next record must have, if known.
    hash: Option<Hash>,
    /// Whether the records come from a file: their index rows and checkpoints were
    /// removed with them.
    is_exported: bool,
}

impl Verifier<'_> {
    async fn heads(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), StoreError> {
        let mut rows = Rows::of(&[tables::HEAD]);
        while let Some(row) = rows.next(snapshot).await? {
            match Head::open(self.keyring, &row) {
                Some(head) => {
                    self.heads.insert(head.node, head);
                }
                None => {
                    self.problem(format!("the chain head {} cannot be opened: it was altered", hex::encode(&row.key)));
                }
            }
        }
        Ok(())
    }

    async fn checkpoints(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), StoreError> {
        let mut rows = Rows::of(&[tables::CHECKPOINT]);
        while let Some(row) = rows.next(snapshot).await? {
            match self.open_checkpoint(&row) {
                Some((place, hash)) => {
                    self.checkpoints.insert(place, hash);
                }
                None => self.problem(format!(
                    "the checkpoint {} cannot be opened or is not signed by this installation",
                    hex::encode(&row.key)
                )),
            }
        }
        Ok(())
    }

    fn open_checkpoint(&self, row: &Row) -> Option<((Uuid, u64), Hash)> {
        let opened = self.keyring.audit.open(row.revision, &row.key, row.revision, &row.value)?;
        let checkpoint: Checkpoint = serde_json::from_slice(&opened).ok()?;
        let node: Uuid = checkpoint.node.parse().ok()?;
        let ours =
            checkpoint::is_ours(self.keyring, &checkpoint) && tables::checkpoint(node, checkpoint.seq) == row.key;
        ours.then_some(((node, checkpoint.seq), hash_of(&checkpoint.hash)?))
    }

    async fn chains(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), StoreError> {
        let mut without_records: HashSet<Uuid> = self.heads.keys().copied().collect();
        let mut walk: Option<Walk> = None;
        let mut rows = Rows::of(&[tables::AUDIT]);
        while let Some(row) = rows.next(snapshot).await? {
            let (Some(node), Some(seq)) = (tables::node_of(&row.key), tables::seq_of(&row.key)) else {
                self.problem(format!("the audit row {} has an invalid key", hex::encode(&row.key)));
                continue;
            };
            if walk.as_ref().is_none_or(|walk| walk.node != node) {
                if let Some(done) = walk.take() {
                    self.end(done);
                }
                without_records.remove(&node);
                walk = Some(self.start(node, seq));
            }
            if let Some(walk) = &mut walk {
                self.record(walk, &row, seq);
            }
        }
        if let Some(done) = walk {
            self.end(done);
        }
        for node in without_records {
            let walk = self.start(node, 0);
            self.end(walk);
        }
        self.unused_segments();
        let mut left: Vec<_> = self.checkpoints.drain().map(|(place, _)| place).collect();
        left.sort_unstable();
        for (node, seq) in left {
            self.problem(format!("a checkpoint covers audit record {node}-{seq}, which is missing"));
        }
        Ok(())
    }

    fn start(&mut self, node: Uuid, newest: u64) -> Walk {
        let Some(head) = self.heads.get(&node) else {
            self.problem(format!(
                "the chain of node {node} has no head that can be opened: its newest known record is {node}-{newest}"
            ));
            return Walk { node, next: None, hash: None, is_exported: false };
        };
        Walk { node, next: Some(head.seq), hash: Some(head.hash), is_exported: false }
    }

    fn record(&mut self, walk: &mut Walk, row: &Row, seq: u64) {
        let node = walk.node;
        self.report.entries += 1;
        match walk.next {
            Some(next) if seq > next => {
                // Beyond the head, or out of order.
                self.problem(format!("audit record {node}-{seq} is newer than the chain's head"));
                return;
            }
            Some(next) if seq < next => {
                self.gap(node, seq + 1, next);
                walk.hash = None;
            }
            _ => {}
        }
        walk.next = Some(seq.saturating_sub(1));
        let Some((record, hash)) = AuditRecord::open(self.keyring, row) else {
            self.problem(format!("audit record {node}-{seq} cannot be opened: it was altered, moved or rolled back"));
            walk.hash = None;
            self.checkpoints.remove(&(node, seq));
            return;
        };
        if walk.hash.is_some_and(|wanted| wanted != hash) {
            self.problem(format!("audit record {node}-{seq} does not match the hash that the chain holds of it"));
        }
        walk.hash = Some(record.previous);
        if !walk.is_exported {
            self.compare_checkpoint(node, seq, &hash);
        }
        self.compare_trusted(node, seq, &hash);
        self.hashes.entry(node).or_default().push((seq, hash));
        self.note_anchors(&record, node, seq);
        if let Some(range) = SegmentRange::recorded_in(&record.event).filter(|range| range.node == node) {
            self.exported.entry(node).or_insert(range);
        }
        if let Some(account) = record.event.account
            && !walk.is_exported
        {
            self.index.insert(tables::audit_account(account.0, node, seq));
        }
        for change in record.changes {
            let revision = change.written_at.unwrap_or(record.revision);
            let expected = Expected { revision, digest: change.digest, node, seq };
            let known = self.expected.get(&change.key);
            if known.is_none_or(|known| known.revision < expected.revision) {
                self.expected.insert(change.key, expected);
            }
        }
    }

    fn compare_checkpoint(&mut self, node: Uuid, seq: u64, hash: &Hash) {
        match self.checkpoints.remove(&(node, seq)) {
            Some(signed) if signed == *hash => self.report.checkpoints += 1,
            Some(_) => self.problem(format!("audit record {node}-{seq} does not match its checkpoint")),
            None if seq.is_multiple_of(CHECKPOINT_EVERY) => {
                self.problem(format!("the checkpoint of audit record {node}-{seq} is missing"));
            }
            None => {}
        }
    }

    fn compare_trusted(&mut self, node: Uuid, seq: u64, hash: &Hash) {
        if let Some(trusted) = self.trusted
            && trusted.node == node.to_string()
            && trusted.seq == seq
        {
            self.trusted_found = true;
            if trusted.hash != hash_text(hash) {
                self.problem(format!(
                    "audit record {node}-{seq} does not match the given checkpoint: history was rewritten"
                ));
            }
        }
    }

    /// Checks that all records were walked, down to the first or to those that were
    /// exported, and continues the walk through the files.
    fn end(&mut self, mut walk: Walk) {
        let node = walk.node;
        if let Some(range) = self.exported.get(&node).cloned()
            && let Some(next) = walk.next.filter(|next| *next > 0)
        {
            if next > range.last {
                self.gap(node, range.last + 1, next);
                return;
            }
            if next == range.last && walk.hash.is_some_and(|hash| hash != range.hash) {
                self.problem(format!(
                    "audit record {node}-{next} does not match the hash that was recorded at its export"
                ));
            }
            if !self.exported_records(&mut walk) {
                return;
            }
        }
        match walk.next {
            Some(0) if walk.hash.is_some_and(|hash| hash != GENESIS) => {
                self.problem(format!("audit record {node}-1 names a record before it, but is the first of its chain"));
            }
            Some(next) if next > 0 => self.gap(node, 1, next),
            _ => {}
        }
    }

    fn gap(&mut self, node: Uuid, first: u64, last: u64) {
        self.problem(if first == last {
            format!("audit record {node}-{first} is missing")
        } else {
            format!("audit records {node}-{first} to {node}-{last} are missing")
        });
    }

    async fn account_index(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), StoreError> {
        let mut rows = Rows::of(&[tables::AUDIT_ACCOUNT]);
        while let Some(row) = rows.next(snapshot).await? {
            if !self.index.remove(&row.key) {
                let key = hex::encode(&row.key);
                self.problem(format!("the index row {key} lists an audit record under the wrong account"));
            }
        }
        let mut left: Vec<Vec<u8>> = self.index.drain().collect();
        left.sort_unstable();
        for key in left {
            self.problem(format!("the index row {} of an audit record is missing", hex::encode(key)));
        }
        Ok(())
    }

    async fn live_rows(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), StoreError> {
        let mut rows = Rows::of(&[]);
        while let Some(row) = rows.next(snapshot).await? {
            if row.key.first().is_some_and(|table| AUDIT_TABLES.contains(table)) || !tables::is_recorded(&row.key) {
                continue;
            }
            self.report.records += 1;
            let expected = self.expected.remove(&row.key);
            if let Some(problem) = mismatch(&row, expected.as_ref()) {
                self.problem(problem);
            } else if let (Some(expected), Some((node, last))) = (expected, self.cut)
                && expected.node == node
                && expected.seq <= last
            {
                self.carried.push(RowChange {
                    key: row.key,
                    digest: expected.digest,
                    written_at: Some(expected.revision),
                });
            }
        }
        let mut missing: Vec<_> = self.expected.drain().filter(|(_, expected)| expected.digest.is_some()).collect();
        missing.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (key, Expected { revision, node, seq, .. }) in missing {
            self.problem(format!(
                "the record {} is missing: audit record {node}-{seq} wrote its revision {revision}",
                describe(&key)
            ));
        }
        Ok(())
    }

    fn check_trusted(&mut self) {
        let Some(trusted) = self.trusted else { return };
        let (node, seq) = (&trusted.node, trusted.seq);
        if !checkpoint::is_ours(self.keyring, trusted) {
            self.problem("the given checkpoint is not signed by this installation".to_owned());
        } else if !self.trusted_found && node.parse().is_ok_and(|node| self.is_exported(node, seq)) {
            self.problem(format!(
                "the given checkpoint covers audit record {node}-{seq}, which was exported: give its segment as well"
            ));
        } else if !self.trusted_found && seq > 0 {
            self.problem(format!(
                "the given checkpoint covers audit record {node}-{seq}, which is missing: the store was rolled back, or records were removed"
            ));
        } else {
            self.report.checkpoints += 1;
        }
    }

    fn walked_hash(&self, node: Uuid, seq: u64) -> Option<Hash> {
        hash_at(&self.hashes, node, seq)
    }

    fn problem(&mut self, sentence: String) {
        // The first few thousand are enough, even if a whole large store was rewritten.
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(sentence);
        }
    }
}

/// The hash of a walked record.
fn hash_at(hashes: &HashMap<Uuid, Vec<(u64, Hash)>>, node: Uuid, seq: u64) -> Option<Hash> {
    let records = hashes.get(&node)?;
    let at = records.binary_search_by(|(walked, _)| seq.cmp(walked)).ok()?;
    Some(records[at].1)
}

/// What is wrong with a live row, if anything.
fn mismatch(row: &Row, expected: Option<&Expected>) -> Option<String> {
    let record = describe(&row.key);
    let Some(Expected { revision, digest, node, seq }) = expected else {
        return Some(format!("the record {record} occurs in no audit record: it was added from outside"));
    };
    let Some(digest) = digest else {
        return Some(format!(
            "the record {record} exists although audit record {node}-{seq} deleted it: it was put back"
        ));
    };
    if row.revision < *revision {
        return Some(format!(
            "the record {record} has revision {}: an older value was put back over revision {revision}, which audit record {node}-{seq} wrote",
            row.revision
        ));
    }
    if row.revision != *revision || sha256(&row.value) != *digest {
        return Some(format!(
            "the record {record} differs from what audit record {node}-{seq} wrote: it was altered or swapped"
        ));
    }
    None
}

fn describe(key: &[u8]) -> String {
    format!("{} ({})", hex::encode(key), tables::name(key))
}

const AUDIT_TABLES: [u8; 4] = [tables::AUDIT, tables::AUDIT_ACCOUNT, tables::HEAD, tables::CHECKPOINT];
const MAX_PROBLEMS: usize = 5000;
