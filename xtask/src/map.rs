//! `map`: measures the layout of the host's code, to compare structures before and after
//! a change.

mod calls;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use self::calls::{AREAS, CallGraph};
use self::scan::{Scan, SourceFile};
use crate::shell::root;

/// Why the sources could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{path} cannot be read", path = path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} cannot be parsed as Rust", path = path.display())]
    Source {
        path: PathBuf,
        #[source]
        source: syn::Error,
    },
}

/// Prints the table.
pub(crate) fn print() -> Result<(), Error> {
    let scan = Scan::of(&root().join("host"))?;
    let graph = CallGraph::of(&scan);
    let (lines, files) = (scan.files.iter().map(|file| file.lines).sum::<usize>(), scan.files.len());
    println!("| measure | value |\n|---|---|");
    println!("| production lines, files | {lines}, {files} |");
    println!("| {} |", largest_type(&scan));
    println!("| {} |", repeated_names(&scan));
    println!("| {} |", cycles(&graph, "areas that call each other", |file| area(file)));
    println!("| {} |", cycles(&graph, "files of the areas that call each other", |file| area_file(file)));
    for (what, entry) in WALKS {
        println!("| {} |", walk(&graph, what, entry));
    }
    println!("| packages in Cargo.lock | {} |", packages()?);
    Ok(())
}

/// The type with the most methods, and the files they are spread over.
fn largest_type(scan: &Scan) -> String {
    let largest = methods(scan).into_iter().max_by_key(|(_, (count, _))| *count);
    largest.map_or_else(String::new, |((krate, name), (count, files))| {
        format!("methods of the largest type, files it spans | {count} of `{krate}::{name}`, {}", files.len())
    })
}

/// The number of methods of each type by crate and name, and the files they are in.
fn methods(scan: &Scan) -> BTreeMap<(&str, &str), (usize, BTreeSet<&str>)> {
    let mut methods = BTreeMap::<(&str, &str), (usize, BTreeSet<&str>)>::new();
    for file in &scan.files {
        for function in file.functions.iter().filter(|function| !function.is_trait_impl) {
            let Some(owner) = &function.owner else { continue };
            let (count, files) = methods.entry((file.krate.as_str(), owner.as_str())).or_default();
            *count += 1;
            files.insert(&file.path);
        }
    }
    methods
}

/// The names of types that one crate declares more than once.
fn repeated_in_one_crate(scan: &Scan) -> Vec<(&str, &str)> {
    let mut within = BTreeMap::<(&str, &str), usize>::new();
    for file in &scan.files {
        for name in &file.types {
            *within.entry((&file.krate, name)).or_default() += 1;
        }
    }
    within.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
}

/// The number of names that several types share, in all crates and within one.
fn repeated_names(scan: &Scan) -> String {
    let mut everywhere = BTreeMap::<&str, usize>::new();
    for name in scan.files.iter().flat_map(|file| &file.types) {
        *everywhere.entry(name).or_default() += 1;
    }
    let declarations: usize = everywhere.values().sum();
    let repeated = everywhere.values().filter(|count| **count > 1).count();
    let in_one_crate = repeated_in_one_crate(scan).len();
    format!(
        "type declarations, names declared more than once, of these in one crate | {declarations}, {repeated}, \
         {in_one_crate}"
    )
}

/// Pairs of parts of the domain with calls in both directions.
fn cycles<'a>(graph: &'a CallGraph<'a>, what: &str, part: impl Fn(&'a SourceFile) -> Option<&'a str>) -> String {
    let mut edges = BTreeSet::new();
    for (from, to) in graph.edges() {
        if let (Some(from), Some(to)) = (part(from), part(to))
            && from != to
        {
            edges.insert((from, to));
        }
    }
    let both = edges.iter().filter(|(from, to)| from < to && edges.contains(&(*to, *from))).count();
    format!("pairs of {what} | {both}")
}

fn area(file: &SourceFile) -> Option<&str> {
    AREAS.contains(&file.krate.as_str()).then_some(file.krate.as_str())
}

fn area_file(file: &SourceFile) -> Option<&str> {
    area(file).map(|_| file.path.as_str())
}

/// How often a reader who follows the calls of a use case moves to another file, and how
/// many of these moves lead back to a file seen before.
fn walk(graph: &CallGraph<'_>, what: &str, (file, function): (&str, &str)) -> String {
    let Some(trace) = graph.walk(file, function) else {
        return format!("walk of {what} | `{function}` is not in {file}");
    };
    let mut seen = BTreeSet::new();
    let (mut moves, mut returns) = (0, 0);
    let mut here = None;
    for file in trace {
        if here != Some(file) {
            moves += usize::from(here.is_some());
            returns += usize::from(!seen.insert(file));
            here = Some(file);
        }
    }
    format!("walk of {what}: files, moves, returns | {}, {moves}, {returns}", seen.len())
}

fn packages() -> Result<usize, Error> {
    let path = root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|source| Error::File { path, source })?;
    Ok(lock.lines().filter(|line| *line == "[[package]]").count())
}

/// The functions at which a reader begins.
const WALKS: [(&str, (&str, &str)); 4] = [
    ("a create", ("credentials/src/create.rs", "create")),
    ("a reveal", ("credentials/src/reveal.rs", "reveal")),
    ("a region push", ("regions/src/reconcile/mod.rs", "reconcile")),
    ("an `http.send`", ("plugin-host/src/network/plane.rs", "send")),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn scan() -> Scan {
        Scan::of(&root().join("host")).expect("the sources can be read")
    }

    /// A type with more is several things.
    #[test]
    fn no_type_has_more_than_forty_methods() {
        let scan = scan();
        let large: Vec<_> = methods(&scan).into_iter().filter(|(_, (count, _))| *count > 40).collect();
        assert!(large.is_empty(), "split {large:?}");
    }

    #[test]
    fn a_crate_gives_a_name_to_one_type() {
        let scan = scan();
        let repeated = repeated_in_one_crate(&scan);
        assert!(repeated.is_empty(), "rename one of each: {repeated:?}");
    }

    #[test]
    fn the_walks_begin_where_they_say() {
        let scan = scan();
        let graph = CallGraph::of(&scan);
        for (what, (file, function)) in WALKS {
            assert!(graph.walk(file, function).is_some(), "the walk of {what}: `{function}` is not in {file}");
        }
    }
}
