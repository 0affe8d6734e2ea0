//! The newest record that each chain is known to have had. A node refuses to append to
//! a chain of its own that has lost any.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bursar_kernel::store::StoreError;
use uuid::Uuid;

use crate::anchor::Anchor;
use crate::chain::{AuditRecord, Head};
use crate::engine::Transaction;
use crate::group::Failure;
use crate::keyring::unsealable;
use crate::ledger::Core;
use crate::tables;

/// A chain that has lost records, or has other ones.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BrokenChain {
    /// Its head is missing.
    #[error("the audit chain of node {node} is gone: it was seen at record {node}-{seq}")]
    Gone { node: Uuid, seq: u64 },
    /// Its head is older than it was.
    #[error("the audit chain of node {node} ends at record {node}-{seq}: it was seen at {node}-{seen}")]
    Shorter { node: Uuid, seq: u64, seen: u64 },
    /// It has a different record at a known position.
    #[error("the audit chain of node {node} was rewritten: record {node}-{seq} is not the one that was seen")]
    Rewritten { node: Uuid, seq: u64 },
}

impl From<BrokenChain> for StoreError {
    fn from(broken: BrokenChain) -> Self {
        Self::Unavailable(Box::new(broken))
    }
}

/// The newest record that this node's chain is known to have had. It only rises, and
/// survives failures and restarts, so that no record is appended to a chain that was
/// rolled back.
pub(crate) struct HighWaterMark(Mutex<State>);

struct State {
    seen: Anchor,
    /// The newest record of each other chain that this process has seen.
    others: BTreeMap<Uuid, Anchor>,
    /// Problems of other chains that are recorded already.
    reported: BTreeSet<String>,
}

impl HighWaterMark {
    pub(crate) fn new(seen: Anchor) -> Self {
        Self(Mutex::new(State { seen, others: BTreeMap::new(), reported: BTreeSet::new() }))
    }

    pub(crate) fn get(&self) -> Anchor {
        self.state().seen.clone()
    }

    /// Advances to `head`, after its commit is durable.
    pub(crate) fn committed(&self, head: &Head) {
        let mut state = self.state();
        if head.seq > state.seen.seq {
            state.seen = Anchor::from(head);
        }
    }

    /// Adds what was seen of other chains; returns the newest known record of each.
    pub(crate) fn observe(&self, anchors: impl Iterator<Item = Anchor>) -> Vec<Anchor> {
        let others = &mut self.state().others;
        for anchor in anchors {
            let known = others.entry(anchor.node).or_insert_with(|| anchor.clone());
            if known.seq < anchor.seq {
                *known = anchor;
            }
        }
        others.values().cloned().collect()
    }

    /// Whether all of `problems` are recorded.
    pub(crate) fn is_reported(&self, problems: &[String]) -> bool {
        let state = self.state();
        problems.iter().all(|problem| state.reported.contains(problem))
    }

    pub(crate) fn mark_reported(&self, problems: &[String]) {
        self.state().reported.extend(problems.iter().cloned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This node's chain head, whose row must be locked. A chain begins only when its node
/// is created, so a missing head has been deleted.
///
/// # Errors
///
/// [`BrokenChain`] if the chain has lost records, [`StoreError::Unsealable`] if the head
/// cannot be opened.
pub(crate) async fn own_head(core: &Core, tx: &mut dyn Transaction) -> Result<Head, Failure> {
    let seen = core.high_water_mark.get();
    let node = core.node;
    let key = tables::head(node);
    let Some(row) = tx.get(&key).await? else {
        return Err(broken(BrokenChain::Gone { node, seq: seen.seq.max(1) }));
    };
    let head = Head::open(&core.keyring, &row).ok_or_else(|| unsealable(&key))?;
    if head.seq < seen.seq {
        return Err(broken(BrokenChain::Shorter { node, seq: head.seq, seen: seen.seq }));
    }
    let hash = match seen.seq {
        0 => Some(seen.hash),
        seq if seq == head.seq => Some(head.hash),
        // The chain grew without this process's knowledge: by a commit whose answer was
        // lost, by a new node, or before this start. The known record must be in it.
        seq => {
            let record = tx.get(&tables::audit(node, seq)).await?;
            record.and_then(|row| AuditRecord::open(&core.keyring, &row)).map(|(_, hash)| hash)
        }
    };
    if hash != Some(seen.hash) {
        return Err(broken(BrokenChain::Rewritten { node, seq: seen.seq }));
    }
    Ok(head)
}

fn broken(broken: BrokenChain) -> Failure {
    Failure::Store(broken.into())
}
