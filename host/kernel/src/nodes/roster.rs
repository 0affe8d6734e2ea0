//! The other nodes: alive while their rows change, silent once they do not.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Beat, NodeState, NodeView};
use crate::id::NodeId;
use crate::store::{Record, Revision};

/// The other nodes.
#[derive(Default)]
pub(super) struct Roster {
    nodes: BTreeMap<NodeId, Peer>,
    /// Until the first look no node is known to have ended.
    has_looked: bool,
}

struct Peer {
    beat: Beat,
    revision: Revision,
    /// Consecutive looks that found the row unchanged.
    unchanged: u32,
}

/// What changed since the previous look.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RosterChanges {
    /// Rows of nodes that have been silent for so long that they can be deleted.
    pub(super) forgotten: Vec<(Vec<u8>, Revision)>,
    /// Whether a run of a node has ended.
    pub(super) has_ended: bool,
}

impl Roster {
    /// Compares the rows of all nodes with those of the previous look.
    pub(super) fn look(&mut self, rows: &[Record], own: NodeId, now: Timestamp) -> RosterChanges {
        self.has_looked = true;
        let mut before = std::mem::take(&mut self.nodes);
        let mut changes = RosterChanges::default();
        for row in rows {
            // A later version may write rows that this one cannot read.
            let Ok(beat) = serde_json::from_slice::<Beat>(&row.value) else { continue };
            if beat.node == own {
                continue;
            }
            let known = before.remove(&beat.node);
            changes.has_ended |= known.as_ref().is_some_and(|known| known.beat.process != beat.process);
            let same = known.filter(|known| known.revision == row.revision);
            let unchanged = same.map_or(0, |known| known.unchanged.saturating_add(1));
            changes.has_ended |= unchanged == SILENT_AFTER;
            if unchanged > SILENT_AFTER && now.duration_since(beat.at) > FORGOTTEN_AFTER {
                changes.forgotten.push((row.key.clone(), row.revision));
            }
            self.nodes.insert(beat.node, Peer { beat, revision: row.revision, unchanged });
        }
        changes.has_ended |= before.values().any(|gone| gone.state() == NodeState::Live);
        changes
    }

    pub(super) fn has_ended(&self, node: NodeId, process: Uuid) -> bool {
        match self.nodes.get(&node) {
            Some(peer) => peer.beat.process != process || peer.state() == NodeState::Silent,
            // It deleted its row when it stopped.
            None => self.has_looked,
        }
    }

    pub(super) fn list(&self) -> impl Iterator<Item = NodeView> {
        let view = |peer: &Peer| NodeView { beat: peer.beat.clone(), state: peer.state(), is_this_one: false };
        self.nodes.values().map(view)
    }
}

impl Peer {
    fn state(&self) -> NodeState {
        if self.unchanged >= SILENT_AFTER { NodeState::Silent } else { NodeState::Live }
    }
}

/// Looks, a second apart: longer than a database delays a node in a commit.
const SILENT_AFTER: u32 = 4;
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::Vitals;

    fn id(number: u128) -> NodeId {
        NodeId(Uuid::from_u128(number))
    }

    fn row(node: u128, process: u128, revision: Revision) -> Record {
        let beat = Beat {
            node: id(node),
            process: Uuid::from_u128(process),
            version: "1".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            at: Timestamp::UNIX_EPOCH,
            vitals: Vitals::default(),
        };
        Record { key: vec![12], revision, value: serde_json::to_vec(&beat).unwrap() }
    }

    #[test]
    fn a_node_has_ended_once_its_row_stays_the_same() {
        let mut roster = Roster::default();
        let ended = |roster: &Roster| roster.has_ended(id(2), Uuid::from_u128(20));
        assert!(!ended(&roster), "nobody has looked yet");
        for _ in 0..SILENT_AFTER {
            assert_eq!(roster.look(&[row(2, 20, 1)], id(1), Timestamp::UNIX_EPOCH), RosterChanges::default());
            assert!(!ended(&roster));
        }
        assert!(roster.look(&[row(2, 20, 1)], id(1), Timestamp::UNIX_EPOCH).has_ended, "told once");
        assert!(!roster.look(&[row(2, 20, 1)], id(1), Timestamp::UNIX_EPOCH).has_ended);
        assert!(ended(&roster));
        assert_eq!(roster.list().next().unwrap().state, NodeState::Silent);
        roster.look(&[row(2, 20, 2)], id(1), Timestamp::UNIX_EPOCH);
        assert!(!ended(&roster), "it was only asleep");
        assert!(roster.look(&[row(2, 21, 3)], id(1), Timestamp::UNIX_EPOCH).has_ended);
        assert!(ended(&roster), "it began anew");
        assert!(!roster.has_ended(id(2), Uuid::from_u128(21)));
        assert!(roster.look(&[], id(1), Timestamp::UNIX_EPOCH).has_ended);
        assert!(roster.has_ended(id(2), Uuid::from_u128(21)), "it left");
    }

    #[test]
    fn rows_that_nobody_asks_for_go() {
        let mut roster = Roster::default();
        let late = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(25);
        for _ in 0..=SILENT_AFTER {
            assert_eq!(roster.look(&[row(2, 20, 1)], id(1), late).forgotten, []);
        }
        assert_eq!(roster.look(&[row(2, 20, 1)], id(1), late).forgotten, [(vec![12], 1)]);
        assert_eq!(roster.look(&[row(2, 20, 2)], id(1), late).forgotten, [], "its clock is wrong, and it is at work");
    }
}
