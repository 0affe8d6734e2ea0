//! One shape for every plugin, so that who knows one finds their way in all.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{none, read, root, shown};

const FILES: &[&str] = &["Cargo.toml", "README.md", "manifest.json", "schema.json", "template.json", "src/lib.rs"];
const MAX_LIB_LINES: usize = 150;

#[test]
fn every_plugin_folder_has_the_same_files() {
    let mut findings = Vec::new();
    for folder in plugins() {
        for file in FILES {
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
fn a_plugins_lib_rs_is_short_and_opens_with_its_reasons() {
    let mut findings = Vec::new();
    for folder in plugins() {
        let lib = folder.join("src/lib.rs");
        let text = read(&lib);
        let lines = text.lines().count();
        if lines > MAX_LIB_LINES {
            findings.push(format!("{} has {lines} lines, more than {MAX_LIB_LINES}", shown(&lib)));
        }
        let doc: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if !doc.to_lowercase().contains("least privilege") || !(doc.contains("<http") || doc.contains("RFC ")) {
            findings.push(format!("{}: the module doc does not name least privilege and a source", shown(&lib)));
        }
        if !text.contains("#![forbid(unsafe_code)]") {
            findings.push(format!("{} does not forbid unsafe code", shown(&lib)));
        }
    }
    none(&findings);
}

#[test]
fn a_plugins_data_files_agree_with_its_folder() {
    let mut findings = Vec::new();
    for folder in plugins() {
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

fn plugins() -> Vec<PathBuf> {
    let mut found = folders("plugins");
    found.extend(folders("examples"));
    assert!(found.len() > 3, "found only {found:?}");
    found
}

/// The folders that hold a Rust plugin: all but the libraries.
fn folders(parent: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(parent)).expect("the workspace has this folder").flatten();
    let mut folders: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("Cargo.toml").exists() && !path.ends_with("sdk") && !path.ends_with("cases"))
        .collect();
    folders.sort();
    folders
}

fn files_of_cases(folder: &Path) -> Vec<String> {
    super::files(&folder.join("tests"), &["json"]).iter().map(|path| read(path)).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
