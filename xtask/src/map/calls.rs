//! The call graph, by the names of functions. If several functions share a name, the
//! call goes to the one whose owner is the receiver's type, as far as field types and
//! return types show it; otherwise it is followed only within its own file. A call
//! through a port, whose functions are of a crate that the caller does not depend on, is
//! not followed.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::{Call, Function, Scan, SourceFile};

pub(super) struct CallGraph<'a> {
    scan: &'a Scan,
    /// The file and index of each function, by group of crates and name.
    by_name: BTreeMap<(&'a str, &'a str), Vec<(usize, usize)>>,
    /// By group and the name of a field or function: the types named in its type.
    types_of: BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>,
}

impl<'a> CallGraph<'a> {
    pub(super) fn of(scan: &'a Scan) -> Self {
        let mut by_name = BTreeMap::<(&str, &str), Vec<(usize, usize)>>::new();
        let mut types_of = BTreeMap::<(&str, &str), BTreeSet<&str>>::new();
        for (number, file) in scan.files.iter().enumerate() {
            for (which, function) in file.functions.iter().enumerate() {
                by_name.entry((group(file), &function.name)).or_default().push((number, which));
            }
            for (name, of) in &file.named_types {
                types_of.entry((group(file), name)).or_default().insert(of);
            }
        }
        Self { scan, by_name, types_of }
    }

    /// Every call that leads from one file to another.
    pub(super) fn edges(&self) -> Vec<(&'a SourceFile, &'a SourceFile)> {
        let mut edges = Vec::new();
        for (number, file) in self.scan.files.iter().enumerate() {
            for function in &file.functions {
                for call in &function.calls {
                    if let Some((to, _)) = self.target(number, function, call)
                        && to != number
                    {
                        edges.push((file, &self.scan.files[to]));
                    }
                }
            }
        }
        edges
    }

    /// The sequence of files that a reader of a function visits, following each call that
    /// leads to a new function, and returning.
    pub(super) fn walk(&self, path: &str, function: &str) -> Option<Vec<&'a str>> {
        let number = self.scan.files.iter().position(|file| file.path == path)?;
        let which = self.scan.files[number].functions.iter().position(|known| known.name == function)?;
        let (mut trace, mut seen) = (Vec::new(), BTreeSet::new());
        self.follow((number, which), &mut trace, &mut seen);
        Some(trace)
    }

    fn follow(&self, at: (usize, usize), trace: &mut Vec<&'a str>, seen: &mut BTreeSet<(usize, usize)>) {
        seen.insert(at);
        let file = &self.scan.files[at.0];
        trace.push(&file.path);
        let function: &Function = &file.functions[at.1];
        for call in &function.calls {
            if let Some(to) = self.target(at.0, function, call)
                && !seen.contains(&to)
            {
                self.follow(to, trace, seen);
                trace.push(&file.path);
            }
        }
    }

    fn target(&self, from: usize, caller: &Function, call: &Call) -> Option<(usize, usize)> {
        let group = group(&self.scan.files[from]);
        let named = self.by_name.get(&(group, call.name.as_str()))?;
        let krate = &self.scan.files[from].krate;
        let found: Vec<_> =
            named.iter().filter(|(to, _)| self.scan.may_call(krate, &self.scan.files[*to].krate)).copied().collect();
        if let [one] = found[..] {
            return Some(one);
        }
        let owner = |at: &(usize, usize)| self.scan.files[at.0].functions[at.1].owner.as_deref();
        let meant = |at: &&(usize, usize)| match call.on.as_deref() {
            Some("self" | "Self") => owner(at) == caller.owner.as_deref(),
            Some(on) => owner(at).is_some_and(|owner| {
                on == owner || self.types_of.get(&(group, on)).is_some_and(|types| types.contains(owner))
            }),
            None => false,
        };
        one(found.iter().filter(meant)).or_else(|| one(found.iter().filter(|(file, _)| *file == from)))
    }
}

/// Crates whose calls are followed from one to the other.
fn group(file: &SourceFile) -> &str {
    if AREAS.contains(&file.krate.as_str()) { "areas" } else { &file.krate }
}

fn one<'a>(mut found: impl Iterator<Item = &'a (usize, usize)>) -> Option<(usize, usize)> {
    found.next().copied().filter(|_| found.next().is_none())
}

/// The kernel and the areas that stand on it.
pub(super) const AREAS: [&str; 7] = ["kernel", "credentials", "bindings", "dns", "regions", "access", "approvals"];
