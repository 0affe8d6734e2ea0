//! The walk through files that hold what was taken out of the store.

use uuid::Uuid;

use super::{Verifier, Walk};
use crate::segment::{Segment, SegmentRange};
use crate::tables;

impl Verifier<'_> {
    /// Goes on through the files that hold what comes before; answers whether they
    /// do down to the first record.
    pub(super) fn exported_records(&mut self, walk: &mut Walk) -> bool {
        walk.is_exported = true;
        while let Some(next) = walk.next.filter(|next| *next > 0) {
            let is_next = |segment: &Segment| {
                let SegmentRange { node, first, last, .. } = segment.range();
                *node == walk.node && (*first..=*last).contains(&next)
            };
            let Some(found) = self.segments.iter().position(is_next) else { return false };
            let mut segment = self.segments.swap_remove(found);
            let file = segment.path().display().to_string();
            loop {
                match segment.page() {
                    Ok(page) if page.is_empty() => break,
                    Ok(page) => {
                        for row in page {
                            let seq = tables::seq_of(&row.key).unwrap_or_default();
                            // Some may be in the store as well, while they are removed.
                            if walk.next.is_some_and(|next| seq <= next) {
                                self.record(walk, &row, seq);
                            }
                        }
                    }
                    Err(error) => {
                        self.problem(format!("the segment {file} cannot be read: {error}"));
                        return false;
                    }
                }
            }
            if walk.next.is_some_and(|next| next >= segment.range().first) {
                self.problem(format!("the segment {file} ends before the first record that it names"));
                return false;
            }
        }
        true
    }

    /// Of the files that were given, those that proved nothing.
    pub(super) fn unused_segments(&mut self) {
        for segment in std::mem::take(&mut self.segments) {
            let SegmentRange { node, first, last, .. } = segment.range();
            if self.walked_hash(*node, *first).is_none() {
                self.problem(format!(
                    "the segment {} does not join the chain of node {node}: give the one that begins with {node}-{}",
                    segment.path().display(),
                    last + 1,
                ));
            }
        }
    }

    pub(super) fn is_exported(&self, node: Uuid, seq: u64) -> bool {
        self.exported.get(&node).is_some_and(|range| seq <= range.last)
    }
}
