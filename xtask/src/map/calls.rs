//! The call graph, by the names of functions. A name that several functions of a crate
//! share is followed only within its own file, since telling them apart takes types.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::{Function, Scan, SourceFile};

pub(super) struct CallGraph<'a> {
    scan: &'a Scan,
    /// The file and index of each function, by crate and name.
    by_name: BTreeMap<(&'a str, &'a str), Vec<(usize, usize)>>,
}

impl<'a> CallGraph<'a> {
    pub(super) fn of(scan: &'a Scan) -> Self {
        let mut by_name = BTreeMap::<(&str, &str), Vec<(usize, usize)>>::new();
        for (number, file) in scan.files.iter().enumerate() {
            for (which, function) in file.functions.iter().enumerate() {
                by_name.entry((&file.krate, &function.name)).or_default().push((number, which));
            }
        }
        Self { scan, by_name }
    }

    /// Every call that leads from one file to another.
    pub(super) fn edges(&self) -> Vec<(&'a SourceFile, &'a SourceFile)> {
        let mut edges = Vec::new();
        for (number, file) in self.scan.files.iter().enumerate() {
            for function in &file.functions {
                for name in &function.calls {
                    if let Some((to, _)) = self.target(number, name)
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
        for name in &function.calls {
            if let Some(to) = self.target(at.0, name)
                && !seen.contains(&to)
            {
                self.follow(to, trace, seen);
                trace.push(&file.path);
            }
        }
    }

    fn target(&self, from: usize, name: &str) -> Option<(usize, usize)> {
        let found = self.by_name.get(&(self.scan.files[from].krate.as_str(), name))?;
        if let [one] = found[..] {
            return Some(one);
        }
        let mut here = found.iter().filter(|(file, _)| *file == from);
        here.next().copied().filter(|_| here.next().is_none())
    }
}
