//! Rules about the text of the sources themselves.

use std::path::{Path, PathBuf};

use super::plugin_folders::built_in_ids;
use super::{files, none, read, root, shown};

const MAX_LINES: usize = 500;
const OURS: &[&str] = &["host", "plugins", "sdk", "examples", "tests", "xtask"];

#[test]
fn the_core_knows_no_credential_type() {
    let ids = built_in_ids();
    assert!(ids.len() >= 3, "found only {ids:?}");
    let mut findings = Vec::new();
    for path in files(&root().join("host"), &["rs", "toml", "json", "sql", "html"]) {
        if is_test(&path) {
            continue;
        }
        let text = read(&path);
        for (number, line) in shipped(&text).enumerate() {
            for id in ids.iter().filter(|id| mentions(line, id)) {
                findings.push(format!("{}:{} names the type {id}", shown(&path), number + 1));
            }
        }
    }
    none(&findings);
}

#[test]
fn a_file_over_500_lines_says_why() {
    let mut findings = Vec::new();
    for path in rust_files() {
        let text = read(&path);
        let lines = text.lines().count();
        if lines > MAX_LINES && !text.contains("//! Long because") {
            findings.push(format!("{} has {lines} lines; split it or say `//! Long because`", shown(&path)));
        }
    }
    none(&findings);
}

#[test]
fn an_expected_lint_has_its_reason_and_none_is_allowed() {
    let mut findings = Vec::new();
    for path in rust_files() {
        let text = read(&path);
        for (at, attribute) in attributes(&text) {
            let place = format!("{}:{}", shown(&path), text[..at].lines().count());
            if attribute.starts_with("allow(") {
                findings.push(format!("{place}: #[allow]; use #[expect] with a reason"));
            }
            if attribute.starts_with("expect(") && !attribute.contains("reason = ") {
                findings.push(format!("{place}: #[expect] without a reason"));
            }
        }
    }
    none(&findings);
}

#[test]
fn nothing_is_left_undone() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
        concat!("#[ig", "nore"),
    ];
    let mut findings = Vec::new();
    for path in rust_files() {
        for (number, line) in read(&path).lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                findings.push(format!("{}:{} {mark}", shown(&path), number + 1));
            }
        }
    }
    none(&findings);
}

#[test]
fn no_source_names_the_machine_it_was_written_on() {
    let marks = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let mut findings = Vec::new();
    for folder in OURS.iter().chain(&["wit", "docs", "schemas"]) {
        for path in files(&root().join(folder), &["rs", "py", "toml", "json", "md", "wit", "sql", "html"]) {
            for (number, line) in read(&path).lines().enumerate() {
                if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                    findings.push(format!("{}:{} holds {mark}", shown(&path), number + 1));
                }
            }
        }
    }
    none(&findings);
}

#[test]
fn every_crate_forbids_unsafe_code_but_one_module() {
    let mut findings = Vec::new();
    for path in rust_files() {
        let text = read(&path);
        let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        let plugin_host = path.starts_with(root().join("host/plugin-host"));
        let forbids = text.contains("#![forbid(unsafe_code)]") || plugin_host && text.contains("#![deny(unsafe_code)]");
        if is_root && !is_guest(&path) && !forbids {
            findings.push(format!("{} does not forbid unsafe code", shown(&path)));
        }
    }
    let uses = rust_files().into_iter().filter(|path| !is_guest(path) && read(path).contains(concat!("uns", "afe {")));
    let uses: Vec<_> = uses.map(|path| shown(&path)).collect();
    if uses.len() > 1 {
        findings.push(format!("more than one module has unsafe code: {uses:?}"));
    }
    none(&findings);
}

fn rust_files() -> Vec<PathBuf> {
    OURS.iter().flat_map(|folder| files(&root().join(folder), &["rs"])).collect()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
}

/// Code of test components, which only ever runs in the sandbox.
fn is_guest(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "guests")
}

/// The lines of a source before its unit tests.
fn shipped(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]")
}

/// Whether `id` stands in `line` as a word of its own.
fn mentions(line: &str, id: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    line.match_indices(id).any(|(at, _)| !line[..at].ends_with(part) && !line[at + id.len()..].starts_with(part))
}

/// Every attribute of a source, without its brackets, and where it starts.
fn attributes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    ["#[", "#!["].into_iter().flat_map(move |open| {
        text.match_indices(open).filter_map(move |(at, _)| {
            let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let inner = &text[at + open.len()..];
            let end = inner.find(")]").map_or(inner.len(), |end| end + 1);
            text[line_start..at].trim().is_empty().then(|| (at, &inner[..end]))
        })
    })
}
