//! Dependencies that are declared are used: one that is not costs everyone's build.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{files, none, read, root, shown};

#[test]
fn every_declared_dependency_is_used() {
    let (mut findings, mut named) = (Vec::new(), BTreeSet::new());
    for manifest in manifests() {
        let parsed = parse(&manifest);
        let folder = manifest.parent().expect("a manifest is in a folder");
        let sources: String = files(folder, &["rs"]).iter().map(|file| read(file)).collect();
        for name in declared(&parsed) {
            if !mentions(&sources, &name.replace('-', "_")) {
                findings.push(format!("{} declares {name}, which no source names", shown(&manifest)));
            }
            named.insert(name);
        }
    }
    let workspace = parse(&root().join("Cargo.toml"));
    let offered = workspace["workspace"]["dependencies"].as_table().expect("a table");
    let idle = offered.keys().filter(|name| !named.contains(*name));
    findings.extend(idle.map(|name| format!("Cargo.toml offers {name}, which no crate takes")));
    none(&findings);
}

/// Those of the workspace's members.
fn manifests() -> Vec<PathBuf> {
    let all =
        ["host", "plugins", "sdk", "examples", "xtask", "tests"].map(|folder| files(&root().join(folder), &["toml"]));
    let of_members = |path: &PathBuf| {
        path.ends_with("Cargo.toml") && !path.iter().any(|part| part == "templates" || part == "guests") && {
            let parsed = parse(path);
            parsed.get("package").is_some() && parsed.get("workspace").is_none()
        }
    };
    all.into_iter().flatten().filter(of_members).collect()
}

/// The names by which sources know them.
fn declared(manifest: &toml::Value) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(|table| table.values());
    let sections = std::iter::once(manifest).chain(targets);
    let tables = sections
        .flat_map(|section| ["dependencies", "dev-dependencies", "build-dependencies"].map(|kind| section.get(kind)));
    tables.flatten().filter_map(toml::Value::as_table).flat_map(|table| table.keys().cloned()).collect()
}

/// Whether a word stands in a text.
fn mentions(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(is_part)
            && !text[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

fn parse(manifest: &Path) -> toml::Value {
    toml::from_str(&read(manifest)).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()))
}
