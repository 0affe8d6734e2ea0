//! Compares the chains of an installation with their anchors in each other.

use std::collections::BTreeMap;

use bursar_kernel::store::StoreError;
use uuid::Uuid;

use super::Verifier;
use crate::anchor::Anchor;
use crate::chain::AuditRecord;
use crate::engine::Snapshot;
use crate::rows::Rows;
use crate::tables;

impl Verifier<'_> {
    /// Collects the anchors in a record.
    pub(super) fn note_anchors(&mut self, record: &AuditRecord, node: Uuid, seq: u64) {
        for anchor in Anchor::recorded_in(&record.event) {
            self.note_anchor(&anchor, format!("{node}-{seq}"));
        }
    }

    /// Collects the anchors in rows of their own, for those whose audit records were
    /// exported. The rows are verified like all live rows.
    pub(super) async fn anchor_rows(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), StoreError> {
        let mut rows = Rows::of(&[tables::ANCHOR]);
        while let Some(row) = rows.next(snapshot).await? {
            if let Some((anchor, by)) = Anchor::open(self.keyring, &row) {
                self.note_anchor(&anchor, format!("of node {by}"));
            }
        }
        Ok(())
    }

    pub(super) fn note_anchor(&mut self, anchor: &Anchor, by: String) {
        let Anchor { node: other, seq: at, hash } = *anchor;
        match self.claims.get(&(other, at)) {
            Some((said, first)) if *said != hash => {
                let sentence = format!(
                    "audit records {first} and {by} saw different audit records {other}-{at}: history was rewritten"
                );
                self.problem(sentence);
            }
            Some(_) => {}
            None => {
                self.claims.insert((other, at), (hash, by));
            }
        }
    }

    /// Compares every chain with its anchors in the others.
    pub(super) fn anchors(&mut self) {
        let claims = std::mem::take(&mut self.claims);
        // One sentence for a chain that is gone or cut, with its newest anchor.
        let mut newest: BTreeMap<Uuid, (u64, &str)> = BTreeMap::new();
        for ((node, seq), (hash, by)) in &claims {
            match self.walked_hash(*node, *seq).map(|found| found == *hash) {
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
                None if !self.hashes.contains_key(&node) => self.problem(format!(
                    "the audit chain of node {node} is gone: audit record {by} saw it at {node}-{seq}"
                )),
                Some(end) if end < seq => self.problem(format!(
                    "the audit chain of node {node} was cut at {node}-{end}: audit record {by} saw it at {node}-{seq}"
                )),
                // The walk has named a record that is missing or cannot be opened.
                _ => {}
            }
        }
    }
}
