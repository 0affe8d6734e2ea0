//! Verification: does the chain hold, and are the live rows what it says?
//!
//! One pass over a snapshot in key order. A node's records come newest first,
//! so the first mention of a row is its last change; what each row must be is
//! kept as one digest, and compared when the rows themselves are read.

use std::collections::{BTreeMap, HashMap, HashSet};

use bursar_domain::audit::{Checkpoint, Report};
use bursar_domain::store::{Error, Revision};
use uuid::Uuid;

use crate::anchor::Anchor;
use crate::chain::{CHECKPOINT_EVERY, Content, GENESIS, Hash, Head, hash_of, hash_text, sha256};
use crate::checkpoint;
use crate::engine::{Row, Snapshot};
use crate::keyring::Keyring;
use crate::tables;

/// Walks every chain and every live row.
///
/// # Errors
///
/// Only where the snapshot cannot be read.
pub(crate) async fn verify(
    keyring: &Keyring,
    snapshot: &mut dyn Snapshot,
    witness: Option<&Checkpoint>,
) -> Result<Report, Error> {
    let mut verifier = Verifier {
        keyring,
        report: Report::default(),
        heads: BTreeMap::new(),
        checkpoints: HashMap::new(),
        expected: HashMap::new(),
        index: HashSet::new(),
        vouches: BTreeMap::new(),
        walked: HashMap::new(),
        witness,
        witness_met: false,
    };
    verifier.heads(snapshot).await?;
    verifier.checkpoints(snapshot).await?;
    verifier.chains(snapshot).await?;
    verifier.anchors();
    verifier.account_index(snapshot).await?;
    verifier.live_rows(snapshot).await?;
    verifier.witness();
    Ok(verifier.report)
}

struct Verifier<'a> {
    keyring: &'a Keyring,
    report: Report,
    heads: BTreeMap<Uuid, Head>,
    /// The hash that a stored checkpoint swears to.
    checkpoints: HashMap<(Uuid, u64), Hash>,
    expected: HashMap<Vec<u8>, Expected>,
    /// Index rows there must be.
    index: HashSet<Vec<u8>>,
    /// What chains say of each other, by node and sequence number, and in which record.
    vouches: BTreeMap<(Uuid, u64), (Hash, String)>,
    /// The hashes of each chain's records, newest first, to hold against that.
    walked: HashMap<Uuid, Vec<(u64, Hash)>>,
    witness: Option<&'a Checkpoint>,
    witness_met: bool,
}

/// What the newest record that touched a row says of it.
struct Expected {
    revision: Revision,
    digest: Option<Hash>,
    node: Uuid,
    seq: u64,
}

/// A walk down one node's chain.
struct Walk {
    node: Uuid,
    /// The sequence number that must come next; `None` at the start, without a head.
    next: Option<u64>,
    /// The hash the next record must have, where it is known.
    hash: Option<Hash>,
}

impl Verifier<'_> {
    async fn heads(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), Error> {
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

    async fn checkpoints(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), Error> {
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

    async fn chains(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), Error> {
        let mut headless: HashSet<Uuid> = self.heads.keys().copied().collect();
        let mut walk: Option<Walk> = None;
        let mut rows = Rows::of(&[tables::AUDIT]);
        while let Some(row) = rows.next(snapshot).await? {
            let (Some(node), Some(seq)) = (tables::node_of(&row.key), tables::seq_of(&row.key)) else {
                self.problem(format!("the audit row {} has no valid key", hex::encode(&row.key)));
                continue;
            };
            if walk.as_ref().is_none_or(|walk| walk.node != node) {
                if let Some(done) = walk.take() {
                    self.end(&done);
                }
                headless.remove(&node);
                walk = Some(self.start(node, seq));
            }
            if let Some(walk) = &mut walk {
                self.record(walk, &row, seq);
            }
        }
        if let Some(done) = walk {
            self.end(&done);
        }
        for node in headless {
            let walk = self.start(node, 0);
            self.end(&walk);
        }
        let mut left: Vec<_> = self.checkpoints.drain().map(|(place, _)| place).collect();
        left.sort_unstable();
        for (node, seq) in left {
            self.problem(format!("a checkpoint swears to audit record {node}-{seq}, which is not there"));
        }
        Ok(())
    }

    fn start(&mut self, node: Uuid, newest: u64) -> Walk {
        let Some(head) = self.heads.get(&node) else {
            self.problem(format!("the chain of node {node} has no head that opens: its newest record is {node}-{newest}, as far as can be told"));
            return Walk { node, next: None, hash: None };
        };
        Walk { node, next: Some(head.seq), hash: Some(head.hash) }
    }

    fn record(&mut self, walk: &mut Walk, row: &Row, seq: u64) {
        let node = walk.node;
        self.report.entries += 1;
        match walk.next {
            Some(next) if seq > next => {
                // Beyond the head, or a key that comes twice in no order.
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
        let Some((content, hash)) = Content::open(self.keyring, row) else {
            self.problem(format!("audit record {node}-{seq} cannot be opened: it was edited, moved or put back"));
            walk.hash = None;
            self.checkpoints.remove(&(node, seq));
            return;
        };
        if walk.hash.is_some_and(|wanted| wanted != hash) {
            self.problem(format!("audit record {node}-{seq} is not the one that the chain after it names"));
        }
        walk.hash = Some(content.previous);
        self.compare_checkpoints(node, seq, &hash);
        self.walked.entry(node).or_default().push((seq, hash));
        self.vouch(&content, node, seq);
        if let Some(account) = content.event.account {
            self.index.insert(tables::audit_account(account.0, node, seq));
        }
        for touch in content.touched {
            let said = Expected { revision: content.revision, digest: touch.digest, node, seq };
            let known = self.expected.get(&touch.key);
            if known.is_none_or(|known| known.revision < said.revision) {
                self.expected.insert(touch.key, said);
            }
        }
    }

    fn compare_checkpoints(&mut self, node: Uuid, seq: u64, hash: &Hash) {
        match self.checkpoints.remove(&(node, seq)) {
            Some(sworn) if sworn == *hash => self.report.checkpoints += 1,
            Some(_) => self.problem(format!("audit record {node}-{seq} is not the one its checkpoint swears to")),
            None if seq.is_multiple_of(CHECKPOINT_EVERY) => {
                self.problem(format!("the checkpoint of audit record {node}-{seq} is missing"));
            }
            None => {}
        }
        if let Some(witness) = self.witness
            && witness.node == node.to_string()
            && witness.seq == seq
        {
            self.witness_met = true;
            if witness.hash != hash_text(hash) {
                self.problem(format!(
                    "audit record {node}-{seq} is not the one the given checkpoint witnesses: history was rewritten"
                ));
            }
        }
    }

    /// Every record down to the first must have come.
    fn end(&mut self, walk: &Walk) {
        match walk.next {
            Some(0) if walk.hash.is_some_and(|hash| hash != GENESIS) => {
                self.problem(format!("audit record {}-1 is not the first of its chain", walk.node));
            }
            Some(next) if next > 0 => self.gap(walk.node, 1, next),
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

    /// Notes what the record says of other chains.
    fn vouch(&mut self, content: &Content, node: Uuid, seq: u64) {
        for Anchor { node: other, seq: at, hash } in Anchor::said_in(&content.event) {
            let by = format!("{node}-{seq}");
            match self.vouches.get(&(other, at)) {
                Some((said, first)) if *said != hash => {
                    let sentence = format!(
                        "audit records {first} and {by} each saw another audit record {other}-{at}: history was rewritten"
                    );
                    self.problem(sentence);
                }
                Some(_) => {}
                None => {
                    self.vouches.insert((other, at), (hash, by));
                }
            }
        }
    }

    /// Holds every chain against what the others say of it.
    fn anchors(&mut self) {
        let vouches = std::mem::take(&mut self.vouches);
        // One sentence for a chain that is gone or cut: of the newest that was seen.
        let mut newest: BTreeMap<Uuid, (u64, &str)> = BTreeMap::new();
        for ((node, seq), (hash, by)) in &vouches {
            let found = self.walked.get(node).and_then(|records| {
                let at = records.binary_search_by(|(walked, _)| seq.cmp(walked)).ok()?;
                Some(records[at].1 == *hash)
            });
            match found {
                Some(true) => self.report.anchors += 1,
                Some(false) => self.problem(format!(
                    "audit record {node}-{seq} is not the one that audit record {by} saw: history was rewritten"
                )),
                None => {
                    newest.insert(*node, (*seq, by.as_str()));
                }
            }
        }
        for (node, (seq, by)) in newest {
            match self.heads.get(&node).map(|head| head.seq) {
                None if !self.walked.contains_key(&node) => self.problem(format!(
                    "the audit chain of node {node} is gone: audit record {by} saw it at {node}-{seq}"
                )),
                Some(end) if end < seq => self.problem(format!(
                    "the audit chain of node {node} was cut at {node}-{end}: audit record {by} saw it at {node}-{seq}"
                )),
                // A record that is missing or does not open was named on the walk.
                _ => {}
            }
        }
    }

    async fn account_index(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), Error> {
        let mut rows = Rows::of(&[tables::AUDIT_ACCOUNT]);
        while let Some(row) = rows.next(snapshot).await? {
            if !self.index.remove(&row.key) {
                let key = hex::encode(&row.key);
                self.problem(format!("the row {key} lists an audit record under an account that it is not about"));
            }
        }
        let mut left: Vec<Vec<u8>> = self.index.drain().collect();
        left.sort_unstable();
        for key in left {
            self.problem(format!(
                "the row {} that lists an audit record under its account is missing",
                hex::encode(key)
            ));
        }
        Ok(())
    }

    async fn live_rows(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), Error> {
        let mut rows = Rows::of(&[]);
        while let Some(row) = rows.next(snapshot).await? {
            if row.key.first().is_some_and(|table| AUDIT_TABLES.contains(table)) {
                continue;
            }
            self.report.records += 1;
            let said = self.expected.remove(&row.key);
            if let Some(problem) = mismatch(&row, said.as_ref()) {
                self.problem(problem);
            }
        }
        let mut missing: Vec<_> = self.expected.drain().filter(|(_, said)| said.digest.is_some()).collect();
        missing.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (key, Expected { revision, node, seq, .. }) in missing {
            self.problem(format!(
                "the record {} is missing: audit record {node}-{seq} wrote revision {revision} of it",
                describe(&key)
            ));
        }
        Ok(())
    }

    fn witness(&mut self) {
        let Some(witness) = self.witness else { return };
        let (node, seq) = (&witness.node, witness.seq);
        if !checkpoint::is_ours(self.keyring, witness) {
            self.problem("the given checkpoint is not signed by this installation".to_owned());
        } else if !self.witness_met && seq > 0 {
            self.problem(format!(
                "the given checkpoint witnesses audit record {node}-{seq}, which is not there: the store was rolled back or cut"
            ));
        } else {
            self.report.checkpoints += 1;
        }
    }

    fn problem(&mut self, sentence: String) {
        // One who rewrote all of a large store is named as well by the first few thousand.
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(sentence);
        }
    }
}

/// What is wrong with a live row, if anything.
fn mismatch(row: &Row, said: Option<&Expected>) -> Option<String> {
    let record = describe(&row.key);
    let Some(Expected { revision, digest, node, seq }) = said else {
        return Some(format!("the record {record} is in no audit record: it was added from outside"));
    };
    let Some(digest) = digest else {
        return Some(format!("the record {record} was put back after audit record {node}-{seq} deleted it"));
    };
    if row.revision < *revision {
        return Some(format!(
            "the record {record} is at revision {}: an older value was put back over revision {revision} of audit record {node}-{seq}",
            row.revision
        ));
    }
    if row.revision != *revision || sha256(&row.value) != *digest {
        return Some(format!(
            "the record {record} is not what audit record {node}-{seq} wrote: it was altered or swapped"
        ));
    }
    None
}

fn describe(key: &[u8]) -> String {
    format!("{} ({})", hex::encode(key), tables::name(key))
}

/// All rows under a prefix, read in pages.
pub(crate) struct Rows {
    prefix: Vec<u8>,
    after: Vec<u8>,
    page: std::vec::IntoIter<Row>,
    done: bool,
}

impl Rows {
    pub(crate) fn of(prefix: &[u8]) -> Self {
        Self { prefix: prefix.to_vec(), after: Vec::new(), page: Vec::new().into_iter(), done: false }
    }

    pub(crate) async fn next(&mut self, snapshot: &mut dyn Snapshot) -> Result<Option<Row>, Error> {
        if self.page.as_slice().is_empty() && !self.done {
            let page = snapshot.scan(&self.prefix, &self.after, PAGE).await?;
            self.done = page.len() < PAGE;
            if let Some(last) = page.last() {
                self.after.clone_from(&last.key);
            }
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}

const AUDIT_TABLES: [u8; 4] = [tables::AUDIT, tables::AUDIT_ACCOUNT, tables::HEAD, tables::CHECKPOINT];
const PAGE: usize = 512;
const MAX_PROBLEMS: usize = 5000;
