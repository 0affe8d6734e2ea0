//! One shape for every plugin, so that who knows one finds their way in all.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{none, read, root, shown};

const DATA: &[&str] = &["README.md", "manifest.json", "schema.json", "template.json"];
/// What a folder has beside its data, by the file that holds the logic.
const SOURCES: &[(&str, &[&str])] = &[
    ("src/lib.rs", &["Cargo.toml"]),
    ("plugin.js", &["package.json", "package-lock.json"]),
    ("plugin.py", &["requirements.txt"]),
];
const MAX_LINES_OF_LOGIC: usize = 150;
const MAX_LINES_OF_OPENING: usize = 12;

#[test]
fn every_plugin_folder_has_the_same_files() {
    let mut findings = Vec::new();
    for folder in all() {
        let sources = SOURCES.iter().find(|(logic, _)| folder.join(logic).is_file());
        let beside = sources.map(|(_, beside)| *beside);
        if beside.is_none() {
            findings.push(format!("{} has no source", shown(&folder)));
        }
        for file in DATA.iter().chain(beside.into_iter().flatten()) {
            if !folder.join(file).is_file() {
                findings.push(format!("{} has no {file}", shown(&folder)));
            }
        }
        let cases = std::fs::read_dir(folder.join("tests")).into_iter().flatten().flatten();
        if !cases.into_iter().any(|entry| entry.path().extension().is_some_and(|ext| ext == "json")) {
            findings.push(format!("{} has no tests/*.json", shown(&folder)));
        }
    }
    none(&findings);
}

#[test]
fn a_plugins_logic_is_short_and_opens_with_its_reasons() {
    let mut findings = Vec::new();
    for folder in all() {
        for (logic, _) in SOURCES.iter().filter(|(logic, _)| folder.join(logic).is_file()) {
            let path = folder.join(logic);
            let text = read(&path);
            let lines = text.lines().count();
            if lines > MAX_LINES_OF_LOGIC {
                findings.push(format!("{} has {lines} lines, more than {MAX_LINES_OF_LOGIC}", shown(&path)));
            }
            let opening: String = text.lines().take(MAX_LINES_OF_OPENING).collect();
            let has_source = ["<http", "https://", "RFC "].iter().any(|mark| opening.contains(mark));
            if !opening.to_lowercase().contains("least privilege") || !has_source {
                findings.push(format!("{} does not open with least privilege and a source", shown(&path)));
            }
            if *logic == "src/lib.rs" && !text.contains("#![forbid(unsafe_code)]") {
                findings.push(format!("{} does not forbid unsafe code", shown(&path)));
            }
        }
    }
    none(&findings);
}

#[test]
fn what_a_guests_tools_are_is_pinned_and_comes_from_no_named_registry() {
    let mut findings = Vec::new();
    for folder in all() {
        let requirements = folder.join("requirements.txt");
        for line in requirements.is_file().then(|| read(&requirements)).iter().flat_map(|text| text.lines()) {
            if !line.contains("==") {
                findings.push(format!("{}: {line} is not pinned", shown(&requirements)));
            }
        }
        let lock = folder.join("package-lock.json");
        if lock.is_file() && read(&lock).contains("\"resolved\"") {
            findings.push(format!("{} names a registry; npm has omit-lockfile-registry-resolved", shown(&lock)));
        }
    }
    none(&findings);
}

#[test]
fn a_plugins_data_files_agree_with_its_folder() {
    let mut findings = Vec::new();
    for folder in all() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (manifest, schema) = (json(&folder.join("manifest.json")), json(&folder.join("schema.json")));
        if manifest["id"] != name.as_str() {
            findings.push(format!("{} is called {}", shown(&folder), manifest["id"]));
        }
        if schema["additionalProperties"] != false {
            findings.push(format!("{}: the form takes unknown fields", shown(&folder)));
        }
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["title"].as_str().is_none_or(str::is_empty) {
                findings.push(format!("{}: the field {field} has no title", shown(&folder)));
            }
        }
        let secrets = schema["properties"].as_object().into_iter().flatten();
        if !secrets.into_iter().any(|(_, property)| property["writeOnly"] == true) {
            findings.push(format!("{}: the form has no secret", shown(&folder)));
        }
        let cases = files_of_cases(&folder);
        for call in ["inspect", "materialize"] {
            if !cases.iter().any(|text| text.contains(&format!("\"{call}\""))) {
                findings.push(format!("{}: no case of {call}", shown(&folder)));
            }
        }
    }
    none(&findings);
}

/// The ids of the types that are part of the binary.
pub(super) fn built_in_ids() -> Vec<String> {
    let ids =
        folders("plugins").into_iter().map(|folder| folder.file_name().unwrap_or_default().to_string_lossy().into());
    ids.collect()
}

/// Every plugin and example, in whatever language.
fn all() -> Vec<PathBuf> {
    let mut found = [folders("plugins"), folders("examples")].concat();
    let entries = std::fs::read_dir(root().join("plugins/examples")).expect("the workspace has this folder").flatten();
    found.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
    assert!(found.len() > 5, "found only {found:?}");
    found
}

/// The folders that hold a Rust plugin.
fn folders(parent: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(parent)).expect("the workspace has this folder").flatten();
    let mut folders: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").exists()).collect();
    folders.sort();
    folders
}

fn files_of_cases(folder: &Path) -> Vec<String> {
    super::files(&folder.join("tests"), &["json"]).iter().map(|path| read(path)).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
