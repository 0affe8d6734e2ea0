//! What clients asked and were told, object by object, and whether one order of all of
//! it explains it: judged by the checker of `todc-utils`.
//!
//! A change whose answer was lost may have happened at any later moment, or never.
//! Where somebody saw it, it happened before that was over; where nobody did it is
//! left out, which takes nothing from what others saw. For that each value is given
//! once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

/// One thing that somebody did to an object, by the value it is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Deed {
    /// It was found with this value; zero where there is nothing.
    Found(u64),
    /// It was given this value, whatever it had.
    Put(u64),
    /// It was given the second value in place of the first.
    Swapped(u64, u64),
    /// It was made with this value, and was not there before.
    Made(u64),
    /// It was made with this value if there was none: nobody was told.
    MadePerhaps(u64),
    /// It could not be made: there was one.
    Taken,
    /// One with this value was taken away.
    Removed(u64),
    /// There was none with this value that could be taken away.
    NotThere(u64),
    /// One with this value was taken away if it was there: nobody was told.
    RemovedPerhaps(u64),
}

/// An object that holds a value, or zero for none.
struct Object;

impl Specification for Object {
    type State = u64;
    type Operation = Deed;

    fn init() -> u64 {
        0
    }

    fn apply(deed: &Deed, state: &u64) -> (bool, u64) {
        match *deed {
            Deed::Found(value) => (*state == value, *state),
            Deed::Put(value) => (true, value),
            Deed::Swapped(from, to) if *state == from => (true, to),
            Deed::Made(value) if *state == 0 => (true, value),
            Deed::MadePerhaps(value) => (true, if *state == 0 { value } else { *state }),
            Deed::Taken => (*state != 0, *state),
            Deed::Removed(value) if *state == value => (true, 0),
            Deed::NotThere(value) => (*state != value, *state),
            Deed::RemovedPerhaps(value) => (true, if *state == value { 0 } else { *state }),
            Deed::Swapped(..) | Deed::Made(_) | Deed::Removed(_) => (false, *state),
        }
    }
}

/// An entry: from when to when, where it has ended.
#[derive(Clone, Copy, Debug)]
struct Entry {
    called: u64,
    ended: Option<u64>,
    deed: Deed,
}

/// All histories, by object.
#[derive(Default)]
pub(super) struct Histories {
    clock: AtomicU64,
    objects: Mutex<BTreeMap<String, Vec<Entry>>>,
}

impl Histories {
    /// The moment at which something is asked.
    pub(super) fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// It was asked then, and was answered now.
    pub(super) fn answered(&self, object: &str, called: u64, deed: Deed) {
        self.add(object, Entry { called, ended: Some(self.now()), deed });
    }

    /// It was asked then, and nobody knows.
    pub(super) fn unanswered(&self, object: &str, called: u64, deed: Deed) {
        self.add(object, Entry { called, ended: None, deed });
    }

    fn add(&self, object: &str, entry: Entry) {
        self.objects.lock().expect("no client panicked").entry(object.to_owned()).or_default().push(entry);
    }

    /// Those that no order explains.
    pub(super) fn unexplained(&self) -> Vec<String> {
        let objects = self.objects.lock().expect("no client panicked");
        let unexplained = objects.iter().filter(|(_, entries)| !is_linearizable(entries));
        unexplained.map(|(object, entries)| format!("{object}\n{}", told(entries))).collect()
    }

    pub(super) fn objects(&self) -> usize {
        self.objects.lock().expect("no client panicked").len()
    }
}

/// A line for each, in the order they were asked.
fn told(entries: &[Entry]) -> String {
    let mut entries = entries.to_vec();
    entries.sort_unstable_by_key(|entry| entry.called);
    let lines = entries.iter().map(|Entry { called, ended, deed }| {
        let ended = ended.map_or_else(|| "-".to_owned(), |ended| ended.to_string());
        format!("  {called:>6} {ended:>6}  {deed:?}\n")
    });
    lines.collect()
}

fn is_linearizable(entries: &[Entry]) -> bool {
    let judged: Vec<Entry> = entries.iter().filter_map(|entry| bounded(entry, entries)).collect();
    // What has no end ends after all else.
    let ends = |entry: &Entry, number: usize| entry.ended.unwrap_or(u64::MAX - u64::try_from(number).expect("few"));
    let mut moments: Vec<(u64, usize, bool)> = Vec::new();
    for (number, entry) in judged.iter().enumerate() {
        moments.push((entry.called, number, true));
        moments.push((ends(entry, number), number, false));
    }
    moments.sort_unstable();
    let actions = moments.into_iter().map(|(_, number, is_call)| {
        let deed = judged[number].deed;
        // Each is a client of its own: they overlap as they did.
        (number, if is_call { Action::Call(deed) } else { Action::Response(deed) })
    });
    WGLChecker::<Object>::is_linearizable(History::from_actions(actions.collect()))
}

/// A change without an answer, with the moment by which it must have happened.
fn bounded(entry: &Entry, all: &[Entry]) -> Option<Entry> {
    let (Deed::Put(value) | Deed::Swapped(_, value) | Deed::Made(value), None) = (entry.deed, entry.ended) else {
        return Some(*entry);
    };
    let saw = |other: &&Entry| match other.deed {
        Deed::Found(seen) | Deed::Swapped(seen, _) | Deed::Removed(seen) => seen == value,
        _ => false,
    };
    let seen_by = all.iter().filter(saw).filter_map(|other| other.ended).min();
    match (seen_by, entry.deed) {
        (Some(_), _) => Some(Entry { ended: seen_by, ..*entry }),
        // That a name is taken is all that others may have seen of it.
        (None, Deed::Made(_)) => Some(Entry { deed: Deed::MadePerhaps(value), ..*entry }),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(entries: &[(u64, Option<u64>, Deed)]) -> bool {
        let entries: Vec<Entry> =
            entries.iter().map(|(called, ended, deed)| Entry { called: *called, ended: *ended, deed: *deed }).collect();
        is_linearizable(&entries)
    }

    #[test]
    fn what_one_order_explains_is_told_from_what_none_does() {
        let put = Deed::Put;
        assert!(judged(&[(0, Some(9), put(1)), (1, Some(2), Deed::Found(0)), (3, Some(4), Deed::Found(1))]));
        assert!(!judged(&[(0, Some(9), put(1)), (1, Some(2), Deed::Found(1)), (3, Some(4), Deed::Found(0))]));
        assert!(!judged(&[(0, Some(1), put(1)), (2, Some(3), put(2)), (4, Some(5), Deed::Found(1))]), "a lost update");
        let both = [(2, Some(9), Deed::Swapped(1, 2)), (3, Some(8), Deed::Swapped(1, 3))];
        assert!(!judged(&[&[(0, Some(1), put(1))], &both[..]].concat()), "both won");
    }

    #[test]
    fn what_was_not_answered_happened_late_or_never() {
        let lost = (0, None, Deed::Put(1));
        assert!(judged(&[lost, (2, Some(3), Deed::Found(0)), (4, Some(5), Deed::Found(1))]));
        assert!(judged(&[lost, (2, Some(3), Deed::Found(0)), (4, Some(5), Deed::Found(0))]));
        assert!(!judged(&[lost, (2, Some(3), Deed::Found(1)), (4, Some(5), Deed::Found(0))]), "it was undone");
        let made = (0, None, Deed::Made(1));
        assert!(judged(&[made, (2, Some(3), Deed::Taken), (4, Some(5), Deed::Found(1))]));
        assert!(!judged(&[(2, Some(3), Deed::Taken)]));
        let another = (1, None, Deed::Made(2));
        assert!(judged(&[made, another, (2, Some(3), Deed::Found(0)), (4, Some(9), Deed::Made(3))]), "neither was");
        let removed = (4, None, Deed::RemovedPerhaps(1));
        for found in [0, 1] {
            assert!(judged(&[(0, Some(1), Deed::Made(1)), removed, (6, Some(7), Deed::Found(found))]));
        }
        let twice = [(6, Some(7), Deed::Found(0)), (8, Some(9), Deed::Found(1))];
        assert!(!judged(&[&[(0, Some(1), Deed::Made(1)), removed][..], &twice[..]].concat()), "it came back");
    }
}
