//! The Rust SDK outside of its workspace: its manifests refer to the
//! workspace's, so they are written out in full.

use toml::{Table, Value};

use super::{File, below, file};

/// Every file of the crates that a Rust plugin is written with.
///
/// # Errors
///
/// A manifest in the kit that is not what is expected.
pub(super) fn rust() -> Result<Vec<File>, String> {
    let workspace = table("Cargo.toml")?;
    let workspace = workspace.get("workspace").and_then(Value::as_table).ok_or("Cargo.toml has no [workspace]")?;
    let mut files = Vec::new();
    for folder in CRATES {
        let path = format!("{folder}/Cargo.toml");
        let manifest = standalone(table(&path)?, workspace)?;
        files.push((path, manifest.to_string()));
        files.extend(
            below(&format!("{folder}/src")).map(|(path, text)| (format!("{folder}/src/{path}"), text.to_owned())),
        );
    }
    Ok(files)
}

/// A manifest that needs no workspace. The tests inside a vendored crate are not
/// its reader's to run, so what only they need is left out.
fn standalone(mut manifest: Table, workspace: &Table) -> Result<Table, String> {
    for section in ["dev-dependencies", "lints"] {
        manifest.remove(section);
    }
    let package = manifest.get_mut("package").and_then(Value::as_table_mut).ok_or("a manifest has no [package]")?;
    for (key, value) in package.iter_mut().filter(|(_, value)| is_inherited(value)) {
        *value = inherited(workspace, "package", key)?;
    }
    if let Some(dependencies) = manifest.get_mut("dependencies").and_then(Value::as_table_mut) {
        for (name, value) in dependencies.iter_mut().filter(|(_, value)| is_inherited(value)) {
            *value = dependency(inherited(workspace, "dependencies", name)?, value)?;
        }
    }
    Ok(manifest)
}

/// What the workspace says of a dependency, and what the crate adds to it.
fn dependency(shared: Value, own: &Value) -> Result<Value, String> {
    let mut full = match shared {
        Value::Table(table) => table,
        version => Table::from_iter([("version".to_owned(), version)]),
    };
    if let Some(path) = full.get("path").and_then(Value::as_str) {
        let beside = path.strip_prefix("sdk/").filter(|_| CRATES.contains(&path));
        let beside = beside.ok_or_else(|| format!("{path} is not vendored"))?;
        full.insert("path".to_owned(), Value::String(format!("../{beside}")));
    }
    for (key, value) in own.as_table().into_iter().flatten().filter(|(key, _)| *key != "workspace") {
        match (full.get_mut(key), value) {
            (Some(Value::Array(shared)), Value::Array(own)) => shared.extend(own.iter().cloned()),
            _ => {
                full.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(Value::Table(full))
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn inherited(workspace: &Table, section: &str, key: &str) -> Result<Value, String> {
    let value = workspace.get(section).and_then(|section| section.get(key));
    value.cloned().ok_or_else(|| format!("the workspace has no {section}.{key}"))
}

fn table(path: &str) -> Result<Table, String> {
    let text = file(path).ok_or_else(|| format!("the kit has no {path}"))?;
    text.parse().map_err(|error| format!("{path}: {error}"))
}

/// The crates, by the path that each has in the checkout and in the new folder.
/// The SDK finds the contract two folders above itself in both.
const CRATES: &[&str] = &["sdk/rust", "sdk/cases"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_stands_alone() {
        let workspace: Table = "
            [package]
            edition = '2024'
            [dependencies]
            serde = { version = '1', features = ['derive'] }
            url = '2'
            cases = { path = 'sdk/cases' }
        "
        .parse()
        .expect("TOML");
        let manifest: Table = "
            [package]
            name = 'x'
            edition.workspace = true
            [dependencies]
            serde = { workspace = true, features = ['rc'] }
            url = { workspace = true, optional = true }
            cases.workspace = true
            own = '3'
            [dev-dependencies]
            tempfile.workspace = true
            [lints]
            workspace = true
        "
        .parse()
        .expect("TOML");
        let wanted: Table = "
            [package]
            name = 'x'
            edition = '2024'
            [dependencies]
            serde = { version = '1', features = ['derive', 'rc'] }
            url = { version = '2', optional = true }
            cases = { path = '../cases' }
            own = '3'
        "
        .parse()
        .expect("TOML");
        assert_eq!(standalone(manifest, &workspace), Ok(wanted));
    }

    #[test]
    fn nothing_of_the_workspace_is_left_in_the_sdk() {
        let files = rust().expect("a whole kit");
        let manifests: Vec<_> = files.iter().filter(|(path, _)| path.ends_with("/Cargo.toml")).collect();
        assert_eq!(manifests.len(), CRATES.len());
        for (path, text) in manifests {
            assert!(!text.contains("workspace"), "{path}:\n{text}");
        }
    }
}
