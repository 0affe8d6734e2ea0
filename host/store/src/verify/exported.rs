//! The walk through exported files.

use uuid::Uuid;

use super::{Verifier, Walk};
use crate::segment::{Segment, SegmentRange};
use crate::tables;

impl Verifier<'_> {
    /// Continues the walk through the exported files; returns whether they reach down to
    /// the first record.
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
                            // While records are removed, some are still in the store.
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
                self.problem(format!("the segment {file} is incomplete: its oldest records are missing"));
                return false;
            }
        }
        true
    }

    /// Names the given files that join no chain.
    pub(super) fn unused_segments(&mut self) {
        for segment in std::mem::take(&mut self.segments) {
            let SegmentRange { node, first, last, .. } = segment.range();
            if self.walked_hash(*node, *first).is_none() {
                self.problem(format!(
                    "the segment {} does not join the chain of node {node}: give the segment that begins with {node}-{} as well",
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
