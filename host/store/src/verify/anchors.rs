//! What the chains of an installation say of each other, held against them.

use std::collections::BTreeMap;

use bursar_domain::store::Error;
use uuid::Uuid;

use super::Verifier;
use crate::anchor::Anchor;
use crate::chain::AuditRecord;
use crate::engine::Snapshot;
use crate::rows::Rows;
use crate::tables;

impl Verifier<'_> {
    /// Notes what the record says of other chains.
    pub(super) fn note_anchors(&mut self, record: &AuditRecord, node: Uuid, seq: u64) {
        for anchor in Anchor::recorded_in(&record.event) {
            self.note_anchor(&anchor, format!("{node}-{seq}"));
        }
    }

    /// What is said of chains by records that were taken out since stands in rows
    /// of its own, which are held against the chain as all live rows are.
    pub(super) async fn anchor_rows(&mut self, snapshot: &mut dyn Snapshot) -> Result<(), Error> {
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
                    "audit records {first} and {by} each saw another audit record {other}-{at}: history was rewritten"
                );
                self.problem(sentence);
            }
            Some(_) => {}
            None => {
                self.claims.insert((other, at), (hash, by));
            }
        }
    }

    /// Holds every chain against what the others say of it.
    pub(super) fn anchors(&mut self) {
        let claims = std::mem::take(&mut self.claims);
        // One sentence for a chain that is gone or cut: of the newest that was seen.
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
                // A record that is missing or does not open was named on the walk.
                _ => {}
            }
        }
    }
}
