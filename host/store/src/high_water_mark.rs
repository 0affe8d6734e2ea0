//! How far this node's chain is known to have come, and the refusal to go on
//! from anything less.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bursar_domain::store::Error;
use uuid::Uuid;

use crate::anchor::Anchor;
use crate::chain::{AuditRecord, Head};
use crate::engine::Transaction;
use crate::group::Failure;
use crate::keyring::unsealable;
use crate::ledger::Core;
use crate::tables;

/// A chain that is less than it is known to have been.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BrokenChain {
    /// Its head is gone.
    #[error("the audit chain of node {node} is gone: it was seen at record {node}-{seq}")]
    Gone { node: Uuid, seq: u64 },
    /// Its head went back.
    #[error("the audit chain of node {node} ends at record {node}-{seq}: it was seen at {node}-{seen}")]
    Shorter { node: Uuid, seq: u64, seen: u64 },
    /// It has another record where one was seen.
    #[error("the audit chain of node {node} was rewritten: record {node}-{seq} is not the one that was seen")]
    Rewritten { node: Uuid, seq: u64 },
}

impl From<BrokenChain> for Error {
    fn from(broken: BrokenChain) -> Self {
        Self::Unavailable(Box::new(broken))
    }
}

/// The furthest that this node's chain is known to have come. It only rises: no
/// failure and no restart makes a node forget it, so that a chain that went back
/// is not gone on from.
pub(crate) struct HighWaterMark(Mutex<State>);

struct State {
    seen: Anchor,
    /// The furthest that this process has seen the other chains.
    others: BTreeMap<Uuid, Anchor>,
    /// What was recorded of other chains already.
    reported: BTreeSet<String>,
}

impl HighWaterMark {
    pub(crate) fn new(seen: Anchor) -> Self {
        Self(Mutex::new(State { seen, others: BTreeMap::new(), reported: BTreeSet::new() }))
    }

    pub(crate) fn get(&self) -> Anchor {
        self.state().seen.clone()
    }

    /// After a commit that is durable.
    pub(crate) fn committed(&self, head: &Head) {
        let mut state = self.state();
        if head.seq > state.seen.seq {
            state.seen = Anchor::from(head);
        }
    }

    /// Remembers what was seen of other chains; answers the furthest of each.
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

    /// Whether all of `problems` were recorded.
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

/// This node's head, locked before. A chain begins at its node's birth alone:
/// here one that is not there is gone.
///
/// # Errors
///
/// [`BrokenChain`] where it is less than it was, [`Error::Unsealable`] where it
/// does not open.
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
        // It grew otherwise: by a commit whose answer was lost, by a birth, or
        // before this start. It must have grown from what was seen.
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
