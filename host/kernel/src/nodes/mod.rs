//! The nodes that share a store: which ones are alive, and whose unfinished work may
//! be taken over.
//!
//! Each node updates its own row every second. A node counts as ended once its row
//! has stayed the same through several successful checks. No clock is involved: clock
//! skew, an unreachable store, or a suspension of the observer make no node look dead.

mod model;
mod roster;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

pub use self::model::{Beat, NodeState, NodeView, Vitals};
use self::roster::{Roster, RosterChanges};
use crate::clock::{Clock, Timer};
use crate::id::NodeId;
use crate::keys::{self, Key, Table};
use crate::store::{Batch, Expect, Record, Store};
use crate::{Conflict, Error, Kind};

/// This node among those that share the store.
pub struct Nodes {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    state: Mutex<Roll>,
    /// Whether no other process can open the store, so that no heartbeat is needed.
    alone: bool,
}

struct Roll {
    own: Beat,
    others: Roster,
    has_beaten: bool,
    /// Another process sends heartbeats as this node.
    doubled: bool,
}

impl Nodes {
    /// A node of a store that any number of nodes share.
    #[must_use]
    pub fn sharing(store: Arc<dyn Store>, clock: Arc<dyn Clock>, node: NodeId, process: Uuid, version: &str) -> Self {
        let now = clock.now();
        let own =
            Beat { node, process, version: version.to_owned(), started_at: now, at: now, vitals: Vitals::default() };
        let state = Roll { own, others: Roster::default(), has_beaten: false, doubled: false };
        Self { store, clock, state: Mutex::new(state), alone: false }
    }

    /// The only node of a store that no other process can open.
    #[must_use]
    pub fn alone(store: Arc<dyn Store>, clock: Arc<dyn Clock>, node: NodeId, process: Uuid, version: &str) -> Self {
        Self { alone: true, ..Self::sharing(store, clock, node, process, version) }
    }

    /// Whether other nodes may share the store.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.state().own.node
    }

    /// Identifies this run of the node.
    #[must_use]
    pub fn process(&self) -> Uuid {
        self.state().own.process
    }

    /// Writes this node's heartbeat and reads those of the others. To be called every
    /// [`BEAT`]. Returns whether a run of another node has ended since the last call.
    ///
    /// # Errors
    ///
    /// If the store fails; no node counts as ended because of a failed check.
    pub async fn beat(&self, vitals: Vitals) -> Result<bool, Error> {
        let own = {
            let mut state = self.state();
            state.own.vitals = vitals;
            state.own.at = self.clock.now();
            state.own.clone()
        };
        if self.alone {
            return Ok(false);
        }
        let records = self.store.scan(&Key::table(Table::Node).bytes(), &[], MOST_NODES).await?;
        let RosterChanges { forgotten, has_ended } = {
            let mut state = self.state();
            // Before the first heartbeat, the row is from an earlier run.
            state.doubled = state.has_beaten && records.iter().any(|record| is_of_another_run(record, &own));
            state.others.look(&records, own.node, own.at)
        };
        let batch = Batch::default().put(keys::node(own.node), Expect::Any, encode(&own)?);
        self.store.commit(batch).await?;
        self.state().has_beaten = true;
        if !forgotten.is_empty() {
            let delete = |batch: Batch, (key, revision)| batch.delete(key, Expect::At(revision));
            // On a conflict another node has deleted them.
            let _ = self.store.commit(forgotten.into_iter().fold(Batch::default(), delete)).await;
        }
        Ok(has_ended)
    }

    /// Deletes this node's row when it stops with no work unfinished.
    ///
    /// # Errors
    ///
    /// If the store fails; the others then notice on their own.
    pub async fn leave(&self) -> Result<(), Error> {
        if self.alone {
            return Ok(());
        }
        self.store.commit(Batch::default().delete(keys::node(self.node()), Expect::Any)).await?;
        Ok(())
    }

    /// Whether a run of a node is known to be over: it ended, it restarted, or its
    /// heartbeats have stopped.
    #[must_use]
    pub fn has_ended(&self, node: NodeId, process: Uuid) -> bool {
        let state = self.state();
        if node == state.own.node {
            return process != state.own.process && !state.doubled;
        }
        self.alone || state.others.has_ended(node, process)
    }

    /// Whether another process runs as this node, from a copy of its data folder.
    #[must_use]
    pub fn is_doubled(&self) -> bool {
        self.state().doubled
    }

    /// This node and the others, ordered by id.
    #[must_use]
    pub fn list(&self) -> Vec<NodeView> {
        let state = self.state();
        let own = Beat { at: self.clock.now(), ..state.own.clone() };
        let own = NodeView { beat: own, state: NodeState::Live, is_this_one: true };
        let mut all: Vec<NodeView> = state.others.list().chain([own]).collect();
        all.sort_by_key(|view| view.beat.node);
        all
    }

    /// Refuses a rotation of the root key while other nodes are at work, since they
    /// would not have the new key.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`], naming each of them.
    pub fn refuse_to_rotate(&self) -> Result<(), Error> {
        let others = self.list().into_iter().filter(|view| !view.is_this_one && view.state == NodeState::Live);
        let conflicts: Vec<Conflict> = others.map(|view| conflict(&view.beat)).collect();
        if conflicts.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} at work: stop them, or use `force` and then put the new root key where storage.root_key of each \
             of them says",
            others_are(conflicts.len())
        );
        Err(Error { conflicts, ..Error::new(Kind::Conflict, message) })
    }

    fn state(&self) -> MutexGuard<'_, Roll> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The nodes that are at work on a store, for a tool that is not one of them: those
/// whose rows change while it watches, for a few seconds if there are any rows.
///
/// # Errors
///
/// If the store fails.
pub async fn at_work(store: &dyn Store, timer: &dyn Timer) -> Result<Vec<Beat>, Error> {
    let look = async || store.scan(&Key::table(Table::Node).bytes(), &[], MOST_NODES).await;
    let before = look().await?;
    if before.is_empty() {
        return Ok(Vec::new());
    }
    timer.sleep(BEAT * 3).await;
    let changed = |row: &Record| !before.iter().any(|known| known.key == row.key && known.revision == row.revision);
    let rows = look().await?;
    Ok(rows.iter().filter(|row| changed(row)).filter_map(|row| serde_json::from_slice(&row.value).ok()).collect())
}

/// `1 other node is`, `2 other nodes are`.
#[must_use]
pub fn others_are(count: usize) -> String {
    if count == 1 { "1 other node is".to_owned() } else { format!("{count} other nodes are") }
}

fn is_of_another_run(record: &Record, own: &Beat) -> bool {
    let beat = serde_json::from_slice::<Beat>(&record.value);
    beat.is_ok_and(|beat| beat.node == own.node && beat.process != own.process)
}

fn conflict(beat: &Beat) -> Conflict {
    let id = beat.node.to_string();
    Conflict { kind: "node".to_owned(), name: id.clone(), id, url: "/readyz?verbose".to_owned() }
}

fn encode(beat: &Beat) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(beat)
        .map_err(|error| Error::new(Kind::Internal, "a node's row could not be encoded").because(error))
}

/// Time between two heartbeats of a node.
pub const BEAT: Duration = Duration::from_secs(1);
/// More nodes than will ever share one database.
const MOST_NODES: usize = 1_000;
