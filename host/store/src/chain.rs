//! The audit chain: the exact bytes of a record, and how records are appended.
//!
//! A record's content, before sealing, all numbers big-endian:
//!
//! ```text
//! "bursar audit 1\n"
//! node      16   the node whose chain it is
//! seq        8   position in the chain, from 1
//! previous  32   SHA-256 of the previous record; zeros for the first
//! revision   8   of the commit that the record is part of
//! event      4 + n   length and JSON, as `bursar_kernel::audit::Event`
//! count      4   of changed rows, then for each:
//!   key      4 + n   length and key
//!   kind     1   0 deleted, 1 written, 2 carried over
//!   revision 8   of the row, only if carried over: an older commit wrote the row,
//!                and the record of that commit was exported (see `retention`)
//!   digest   32  of the stored bytes, unless deleted
//! ```
//!
//! The record's hash is SHA-256 of exactly these bytes. The chain head (sealed, and
//! rewritten in each commit) holds the newest sequence number and hash.

use aws_lc_rs::digest::{SHA256, digest};
use bursar_kernel::audit::{Entry, Event};
use bursar_kernel::store::{Revision, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::anchor::Anchor;
use crate::checkpoint;
use crate::engine::{Row, Write};
use crate::keyring::{Keyring, unsealable};
use crate::tables;

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// The hash before the first record.
pub(crate) const GENESIS: Hash = [0; 32];

/// A row that a commit changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RowChange {
    pub(crate) key: Vec<u8>,
    /// Digest of the stored bytes; `None` if the row was deleted.
    pub(crate) digest: Option<Hash>,
    /// The commit that wrote the row, if it is not the record's own.
    pub(crate) written_at: Option<Revision>,
}

/// A record of the chain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AuditRecord {
    pub(crate) node: Uuid,
    pub(crate) seq: u64,
    pub(crate) previous: Hash,
    pub(crate) revision: Revision,
    pub(crate) event: Event,
    pub(crate) changes: Vec<RowChange>,
}

/// The head of a chain: its newest record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) node: Uuid,
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    /// The newest commit.
    pub(crate) revision: Revision,
}

impl RowChange {
    /// The change that `write` makes.
    pub(crate) fn of(write: &Write) -> Self {
        let digest = write.content.as_ref().map(|(_, value)| sha256(value));
        Self { key: write.key.clone(), digest, written_at: None }
    }
}

impl Head {
    /// The head of a chain without records.
    pub(crate) fn new(node: Uuid) -> Self {
        Self { node, seq: 0, hash: GENESIS, revision: 0 }
    }

    /// Opens a head's row.
    pub(crate) fn open(keyring: &Keyring, row: &Row) -> Option<Self> {
        let opened = keyring.audit.open(row.revision, &row.key, row.revision, &row.value)?;
        let head: Self = serde_json::from_slice(&opened).ok()?;
        (tables::head(head.node) == row.key).then_some(head)
    }
}

impl AuditRecord {
    /// Opens a record's row; returns the record and its hash.
    pub(crate) fn open(keyring: &Keyring, row: &Row) -> Option<(Self, Hash)> {
        let opened = keyring.audit.open(row.revision, &row.key, row.revision, &row.value)?;
        let record = Self::decode(&opened)?;
        (tables::audit(record.node, record.seq) == row.key && record.revision == row.revision)
            .then(|| (record, sha256(&opened)))
    }

    /// The record as it is listed.
    pub(crate) fn entry(self, hash: &Hash) -> Entry {
        Entry {
            id: format!("{}-{}", self.node, self.seq),
            seq: self.seq,
            event: self.event,
            prev_hash: hash_text(&self.previous),
            hash: hash_text(hash),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let event = serde_json::to_vec(&self.event).expect("an event is plain data with text keys");
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(self.node.as_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.previous);
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        put_counted(&mut bytes, &event);
        put_count(&mut bytes, self.changes.len());
        for change in &self.changes {
            put_counted(&mut bytes, &change.key);
            bytes.push(match change {
                RowChange { digest: None, .. } => DELETED,
                RowChange { written_at: None, .. } => WRITTEN,
                RowChange { written_at: Some(_), .. } => CARRIED,
            });
            if let RowChange { digest: Some(digest), written_at, .. } = change {
                bytes.extend(written_at.iter().flat_map(|revision| revision.to_be_bytes()));
                bytes.extend_from_slice(digest);
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let node = Uuid::from_bytes(*take(&mut rest)?);
        let seq = u64::from_be_bytes(*take(&mut rest)?);
        let previous = *take(&mut rest)?;
        let revision = u64::from_be_bytes(*take(&mut rest)?);
        let event = serde_json::from_slice(take_counted(&mut rest)?).ok()?;
        let count = u32::from_be_bytes(*take(&mut rest)?);
        let mut changes = Vec::new();
        for _ in 0..count {
            let key = take_counted(&mut rest)?.to_vec();
            let (written_at, digest) = match *take::<1>(&mut rest)? {
                [DELETED] => (None, None),
                [WRITTEN] => (None, Some(*take(&mut rest)?)),
                [CARRIED] => (Some(u64::from_be_bytes(*take(&mut rest)?)), Some(*take(&mut rest)?)),
                _ => return None,
            };
            changes.push(RowChange { key, digest, written_at });
        }
        rest.is_empty().then_some(Self { node, seq, previous, revision, event, changes })
    }
}

/// Appends records to a chain within one commit.
pub(crate) struct Appender<'a> {
    keyring: &'a Keyring,
    head: Head,
    now: Timestamp,
    writes: Vec<Write>,
}

impl<'a> Appender<'a> {
    pub(crate) fn new(keyring: &'a Keyring, head: Head, now: Timestamp) -> Self {
        Self { keyring, head, now, writes: Vec::new() }
    }

    /// The node whose chain it is.
    pub(crate) fn node(&self) -> Uuid {
        self.head.node
    }

    /// Appends one record.
    pub(crate) fn append(&mut self, revision: Revision, event: &Event, changes: Vec<RowChange>) {
        let record = AuditRecord {
            node: self.head.node,
            seq: self.head.seq + 1,
            previous: self.head.hash,
            revision,
            event: event.clone(),
            changes,
        };
        let bytes = record.encode();
        self.head = Head { seq: record.seq, hash: sha256(&bytes), revision, ..self.head.clone() };
        self.seal(tables::audit(record.node, record.seq), revision, &bytes);
        if let Some(account) = event.account {
            let key = tables::audit_account(account.0, record.node, record.seq);
            self.writes.push(Write { key, content: Some((revision, Vec::new())) });
        }
        if record.seq.is_multiple_of(CHECKPOINT_EVERY) {
            let checkpoint = checkpoint::sign(self.keyring, &Anchor::from(&self.head), self.now);
            let bytes = serde_json::to_vec(&checkpoint).expect("a checkpoint is plain data with text keys");
            self.seal(tables::checkpoint(record.node, record.seq), revision, &bytes);
        }
    }

    /// The rows to write, including the new head's, and the new head.
    pub(crate) fn finish(mut self) -> (Vec<Write>, Head) {
        if !self.writes.is_empty() {
            let bytes = serde_json::to_vec(&self.head).expect("a head is plain data with text keys");
            self.seal(tables::head(self.head.node), self.head.revision, &bytes);
        }
        (self.writes, self.head)
    }

    fn seal(&mut self, key: Vec<u8>, revision: Revision, bytes: &[u8]) {
        let sealed = self.keyring.audit.seal(revision, &key, revision, bytes);
        self.writes.push(Write { key, content: Some((revision, sealed)) });
    }
}

/// Opens the head in `row`; without a row, the head of an empty chain.
///
/// # Errors
///
/// Names the head if it cannot be opened.
pub(crate) fn head_of(keyring: &Keyring, node: Uuid, row: Option<&Row>) -> Result<Head, StoreError> {
    match row {
        None => Ok(Head::new(node)),
        Some(row) => Head::open(keyring, row).ok_or_else(|| unsealable(&row.key)),
    }
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// `sha256:<hex>`.
pub(crate) fn hash_text(hash: &Hash) -> String {
    format!("sha256:{}", hex::encode(hash))
}

/// The hash in `sha256:<hex>`.
pub(crate) fn hash_of(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    hex::decode_to_slice(text.strip_prefix("sha256:")?, &mut hash).ok()?;
    Some(hash)
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("a record's parts are bounded by a batch, far below 4 GiB");
    bytes.extend_from_slice(&count.to_be_bytes());
}

fn put_counted(bytes: &mut Vec<u8>, part: &[u8]) {
    put_count(bytes, part.len());
    bytes.extend_from_slice(part);
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(taken)
}

fn take_counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = u32::from_be_bytes(*take(rest)?);
    let (taken, left) = rest.split_at_checked(usize::try_from(count).ok()?)?;
    *rest = left;
    Some(taken)
}

/// Records between stored checkpoints.
pub(crate) const CHECKPOINT_EVERY: u64 = 1000;
const MAGIC: &[u8] = b"bursar audit 1\n";
const DELETED: u8 = 0;
const WRITTEN: u8 = 1;
const CARRIED: u8 = 2;

#[cfg(test)]
mod tests {
    use bursar_kernel::audit::{Action, Outcome};

    use super::*;

    #[test]
    fn the_encoding_reads_back_and_no_cut_does() {
        let record = AuditRecord {
            node: Uuid::from_u128(7),
            seq: 9,
            previous: [3; 32],
            revision: 11,
            event: Event {
                at: Timestamp::UNIX_EPOCH,
                actor: "operator".to_owned(),
                actor_account: None,
                action: Action::AccountCreate,
                outcome: Outcome::Ok,
                account: None,
                credential: None,
                version: Some(1),
                region: None,
                request_id: None,
                client: None,
                plugin: None,
                detail: Some(serde_json::json!({"b": 1, "a": [true]})),
            },
            changes: vec![
                RowChange { key: vec![1, 2], digest: Some([4; 32]), written_at: None },
                RowChange { key: vec![], digest: None, written_at: None },
                RowChange { key: vec![3], digest: Some([5; 32]), written_at: Some(7) },
            ],
        };
        let bytes = record.encode();
        assert_eq!(AuditRecord::decode(&bytes), Some(record));
        for cut in 0..bytes.len() {
            assert_eq!(AuditRecord::decode(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(AuditRecord::decode(&[bytes, vec![0]].concat()), None);
    }
}
