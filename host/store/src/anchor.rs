//! Anchors: the chains of an installation's nodes vouch for each other.
//!
//! A chain proves its own order, but not its existence: deleting every row of one node
//! leaves no gap. So each chain records the heads of the others (`audit.anchor`, with
//! the heads in `detail`), and the chain that was last written records each new node.
//! To remove a chain unnoticed, an attacker must also remove every chain that vouches
//! for it, and those that vouch for these.
//!
//! Each anchor also has a row of its own ([`tables::ANCHOR`]), so that a starting node
//! finds what others recorded of it without walking their chains. The audit record
//! holds a digest of that row, as of every row that its commit wrote.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::store::Revision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::chain::{Appender, AuditRecord, Hash, Head, RowChange, hash_of, hash_text};
use crate::engine::{Engine, EngineError, Row, Transaction, Write};
use crate::group::Failure;
use crate::high_water_mark::{BrokenChain, own_head};
use crate::keyring::Keyring;
use crate::ledger::Core;
use crate::tables;

/// The newest record of a chain, as seen at some time.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    pub(crate) node: Uuid,
    pub(crate) seq: u64,
    #[serde(with = "hash_as_text")]
    pub(crate) hash: Hash,
}

impl From<&Head> for Anchor {
    fn from(head: &Head) -> Self {
        Self { node: head.node, seq: head.seq, hash: head.hash }
    }
}

impl Anchor {
    /// Opens an anchor's row: the anchor, and the node that recorded it.
    pub(crate) fn open(keyring: &Keyring, row: &Row) -> Option<(Self, Uuid)> {
        let (node, by) = tables::nodes_of_anchor(&row.key)?;
        let opened = keyring.audit.open(row.revision, &row.key, row.revision, &row.value)?;
        let anchor: Self = serde_json::from_slice(&opened).ok()?;
        (anchor.node == node).then_some((anchor, by))
    }

    /// The anchors in an `audit.anchor` event; none for any other event.
    pub(crate) fn recorded_in(event: &Event) -> Vec<Self> {
        let heads = event.detail.as_ref().filter(|_| event.action == Action::AuditAnchor);
        let heads = heads.and_then(|detail| detail.get("heads"));
        heads.and_then(|heads| Vec::deserialize(heads).ok()).unwrap_or_default()
    }

    fn write(&self, keyring: &Keyring, by: Uuid, revision: Revision) -> Write {
        let key = tables::anchor(self.node, by);
        let bytes = serde_json::to_vec(self).expect("an anchor is plain data with text keys");
        let sealed = keyring.audit.seal(revision, &key, revision, &bytes);
        Write { key, content: Some((revision, sealed)) }
    }
}

/// The newest anchor of `node` that other nodes recorded. A row that cannot be opened
/// is ignored here; verification names it.
///
/// # Errors
///
/// If the engine fails.
pub(crate) async fn furthest_anchor(
    engine: &dyn Engine,
    keyring: &Keyring,
    node: Uuid,
) -> Result<Option<Anchor>, EngineError> {
    let rows = engine.scan(&tables::anchors_of(node), &[], usize::MAX).await?;
    Ok(rows.iter().filter_map(|row| Anchor::open(keyring, row)).map(|(anchor, _)| anchor).max_by_key(|one| one.seq))
}

/// Records in this node's chain the heads of the other chains that have grown since
/// the last time, and those that have lost records. Returns the latter as problems.
///
/// # Errors
///
/// Nothing is recorded then.
pub(crate) async fn record(core: &Core) -> Result<Vec<String>, Failure> {
    let mut tx = core.engine.begin().await?;
    tx.lock(&[tables::head(core.node)]).await?;
    let own = own_head(core, &mut *tx).await?;
    let view = ChainView::read(&core.keyring, &mut *tx).await?;
    let broken = view.broken(core.high_water_mark.observe(view.seen(core.node)));
    let unanchored = view.unanchored(core.node);
    let is_reported = core.high_water_mark.is_reported(&broken);
    if unanchored.is_empty() && is_reported {
        return Ok(broken);
    }
    let keys: Vec<Vec<u8>> = unanchored.iter().map(|anchor| tables::anchor(anchor.node, core.node)).collect();
    tx.lock(&keys).await?;
    let revision = next_revision(&mut *tx).await?;
    let now = core.clock.now();
    let mut chain = Appender::new(&core.keyring, own, now);
    let mut writes = append_anchors(&core.keyring, &mut chain, &unanchored, revision, now);
    let mut records = unanchored.len().div_ceil(HEADS_PER_RECORD) as u64;
    if !is_reported {
        let detail = Some(json!({ "broken": broken }));
        let event = Event { outcome: Outcome::Failed, detail, ..Event::system(now, Action::AuditAnchor) };
        chain.append(revision, &event, Vec::new());
        records += 1;
    }
    let (rows, head) = chain.finish();
    writes.extend(rows);
    tx.apply(writes).await?;
    tx.commit().await?;
    core.high_water_mark.committed(&head);
    core.high_water_mark.mark_reported(&broken);
    core.counters.add(1, 1, 0, records);
    Ok(broken)
}

/// Writes the first records of `node`'s chain, which vouch for the existing chains, and
/// has the chain that was last written vouch for it. Writes `rows` in the same commit.
///
/// # Errors
///
/// Nothing is written then; a retryable failure may succeed on another attempt.
pub(crate) async fn begin_chain(
    engine: &dyn Engine,
    keyring: &Keyring,
    node: Uuid,
    rows: &[(Vec<u8>, Vec<u8>)],
    now: Timestamp,
) -> Result<Head, EngineError> {
    let mut tx = engine.begin().await?;
    let latest = ChainView::read(keyring, &mut *tx).await?.latest(node);
    let mut keys = vec![tables::head(node)];
    keys.extend(rows.iter().map(|(key, _)| key.clone()));
    keys.extend(latest.map(tables::head));
    keys.sort_unstable();
    keys.dedup();
    tx.lock(&keys).await?;
    // Read again, now that the voucher's chain is locked.
    let view = ChainView::read(keyring, &mut *tx).await?;
    let known = view.unanchored(node);
    let voucher = match latest.and_then(|latest| view.heads.get(&latest)) {
        Some(head) if is_whole(keyring, &mut *tx, head).await? => Some(head.clone()),
        _ => None,
    };
    let mut anchors: Vec<Vec<u8>> = known.iter().map(|anchor| tables::anchor(anchor.node, node)).collect();
    anchors.extend(voucher.iter().map(|head| tables::anchor(node, head.node)));
    tx.lock(&anchors).await?;
    let revision = next_revision(&mut *tx).await?;

    let mut writes: Vec<Write> = Vec::new();
    for (key, value) in rows {
        writes.push(Write { key: key.clone(), content: Some((revision, value.clone())) });
    }
    let mut own = Appender::new(keyring, Head::new(node), now);
    let event = Event { detail: Some(json!({ "heads": [] })), ..Event::system(now, Action::AuditAnchor) };
    own.append(revision, &event, writes.iter().map(RowChange::of).collect());
    writes.extend(append_anchors(keyring, &mut own, &known, revision, now));
    let (own_rows, head) = own.finish();
    writes.extend(own_rows);
    if let Some(voucher) = voucher {
        let mut theirs = Appender::new(keyring, voucher, now);
        writes.extend(append_anchors(keyring, &mut theirs, &[Anchor::from(&head)], revision, now));
        writes.extend(theirs.finish().0);
    }
    tx.apply(writes).await?;
    tx.commit().await?;
    Ok(head)
}

/// Appends the records of `anchors`; returns their rows.
fn append_anchors(
    keyring: &Keyring,
    chain: &mut Appender<'_>,
    anchors: &[Anchor],
    revision: Revision,
    now: Timestamp,
) -> Vec<Write> {
    let mut writes = Vec::with_capacity(anchors.len());
    for part in anchors.chunks(HEADS_PER_RECORD) {
        let rows: Vec<Write> = part.iter().map(|anchor| anchor.write(keyring, chain.node(), revision)).collect();
        let event = Event { detail: Some(json!({ "heads": part })), ..Event::system(now, Action::AuditAnchor) };
        chain.append(revision, &event, rows.iter().map(RowChange::of).collect());
        writes.extend(rows);
    }
    writes
}

/// Whether the newest record of a chain is the one that its head names. Nothing is
/// appended to a chain whose end was removed.
async fn is_whole(keyring: &Keyring, tx: &mut dyn Transaction, head: &Head) -> Result<bool, EngineError> {
    let newest = tx.scan(&tables::audit_of_node(head.node), &[], 1).await?;
    let newest = newest.first().and_then(|row| AuditRecord::open(keyring, row));
    Ok(newest.is_some_and(|(record, hash)| record.seq == head.seq && hash == head.hash))
}

async fn next_revision(tx: &mut dyn Transaction) -> Result<Revision, EngineError> {
    tx.revisions(1).await?.into_iter().next().ok_or_else(|| EngineError::new("the engine returned no revision"))
}

/// The heads of all chains, and their anchors of each other.
struct ChainView {
    heads: BTreeMap<Uuid, Head>,
    /// By anchored node, then by the node that recorded the anchor.
    anchors: BTreeMap<Uuid, HashMap<Uuid, Anchor>>,
}

impl ChainView {
    async fn read(keyring: &Keyring, tx: &mut dyn Transaction) -> Result<Self, EngineError> {
        let heads = tx.scan(&[tables::HEAD], &[], usize::MAX).await?;
        let heads = heads.iter().filter_map(|row| Head::open(keyring, row)).map(|head| (head.node, head)).collect();
        let mut anchors = BTreeMap::<Uuid, HashMap<Uuid, Anchor>>::new();
        for row in tx.scan(&[tables::ANCHOR], &[], usize::MAX).await? {
            if let Some((anchor, by)) = Anchor::open(keyring, &row) {
                anchors.entry(anchor.node).or_default().insert(by, anchor);
            }
        }
        Ok(Self { heads, anchors })
    }

    /// The chain that was last written, other than `node`'s.
    fn latest(&self, node: Uuid) -> Option<Uuid> {
        let others = self.heads.values().filter(|head| head.node != node);
        others.max_by_key(|head| head.revision).map(|head| head.node)
    }

    /// The heads that `node` has not anchored yet. A few anchors are enough for a chain
    /// that has ended; more would cost a row for each pair of nodes that ever existed.
    fn unanchored(&self, node: Uuid) -> Vec<Anchor> {
        let nobody = HashMap::new();
        let is_unanchored = |head: &&Head| {
            let said = self.anchors.get(&head.node).unwrap_or(&nobody);
            let at_the_end = |anchor: &Anchor| anchor.seq == head.seq && anchor.hash == head.hash;
            let by_others =
                said.iter().filter(|(by, anchor)| self.heads.contains_key(by) && at_the_end(anchor)).count();
            !said.get(&node).is_some_and(at_the_end) && by_others < ENOUGH_VOUCHERS
        };
        self.heads.values().filter(|head| head.node != node).filter(is_unanchored).map(Anchor::from).collect()
    }

    /// All known records of the chains other than `node`'s, by their heads and their
    /// anchors; [`own_head`] checks `node`'s own.
    fn seen(&self, node: Uuid) -> impl Iterator<Item = Anchor> {
        let said = self.anchors.values().flat_map(HashMap::values).cloned();
        said.chain(self.heads.values().map(Anchor::from)).filter(move |anchor| anchor.node != node)
    }

    /// One sentence for each chain that has lost the record that was `seen`.
    fn broken(&self, seen: Vec<Anchor>) -> Vec<String> {
        let mut problems = BTreeSet::new();
        for furthest in seen {
            let broken = match self.heads.get(&furthest.node) {
                None => BrokenChain::Gone { node: furthest.node, seq: furthest.seq },
                Some(head) if head.seq < furthest.seq => {
                    BrokenChain::Shorter { node: head.node, seq: head.seq, seen: furthest.seq }
                }
                Some(head) if head.seq == furthest.seq && head.hash != furthest.hash => {
                    BrokenChain::Rewritten { node: head.node, seq: head.seq }
                }
                Some(_) => continue,
            };
            problems.insert(broken.to_string());
        }
        problems.into_iter().collect()
    }
}

pub(crate) mod hash_as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::{Hash, hash_of, hash_text};

    pub(crate) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hash_text(hash))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        hash_of(&text).ok_or_else(|| de::Error::custom("a hash must be sha256:<hex>"))
    }
}

/// Bounds the size of an audit record.
const HEADS_PER_RECORD: usize = 200;
/// Chains that must vouch for the end of one that no longer grows.
const ENOUGH_VOUCHERS: usize = 3;
