//! What the writers know: the state each acknowledged write left, and the one
//! write each of them may have had under way when the broker died.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// A credential as one answer of the broker described it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct State {
    pub(super) version: u64,
    pub(super) password: String,
    /// Whether it can be found by its name.
    pub(super) live: bool,
}

/// One credential. Only one writer changes it, so that its history is a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// As last acknowledged; `None` before the first answer.
    pub(super) acknowledged: Option<State>,
    /// Where the unanswered write, if any, would lead.
    pub(super) under_way: Option<State>,
}

/// All of it, shared by the writers.
#[derive(Debug, Default)]
pub(super) struct World {
    credentials: Mutex<BTreeMap<String, Known>>,
    /// (action, request id) of every acknowledged request.
    requests: Mutex<BTreeSet<(&'static str, String)>>,
}

impl World {
    /// Before a write is sent.
    pub(super) fn begin(&self, name: &str, to: State) {
        self.credentials.lock().expect("no writer panicked").entry(name.to_owned()).or_default().under_way = Some(to);
    }

    /// Once it is answered.
    pub(super) fn acknowledge(&self, name: &str, action: &'static str, request_id: &str) {
        let mut credentials = self.credentials.lock().expect("no writer panicked");
        let known = credentials.get_mut(name).expect("a write begins before it is acknowledged");
        known.acknowledged = known.under_way.take();
        drop(credentials);
        self.recorded(action, request_id);
    }

    /// A request whose audit record must be there.
    pub(super) fn recorded(&self, action: &'static str, request_id: &str) {
        self.requests.lock().expect("no writer panicked").insert((action, request_id.to_owned()));
    }

    /// After a restart: what turned out to be true of a write under way.
    pub(super) fn settle(&self, name: &str, found: Option<State>) {
        let mut credentials = self.credentials.lock().expect("no writer panicked");
        match found {
            Some(state) => {
                credentials.insert(name.to_owned(), Known { acknowledged: Some(state), under_way: None });
            }
            None => {
                credentials.remove(name);
            }
        }
    }

    /// Every credential that may be there.
    pub(super) fn credentials(&self) -> BTreeMap<String, Known> {
        self.credentials.lock().expect("no writer panicked").clone()
    }

    /// Takes the requests that were answered since the last call.
    pub(super) fn take_requests(&self) -> BTreeSet<(&'static str, String)> {
        std::mem::take(&mut self.requests.lock().expect("no writer panicked"))
    }
}
