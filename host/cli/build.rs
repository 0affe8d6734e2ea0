//! Embeds two things.
//!
//! The built-in plugins: every `*.wasm` directly under the folder that
//! `BURSAR_BUILTIN_PLUGINS` names (set by `cargo xtask build`), else under
//! `target/plugins` of the workspace. Without any, the binary has none and
//! loads only folders.
//!
//! The author kit: the templates of `bursar plugin new`, the libraries that
//! plugins are written with, and the contract.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed_plugins()?;
    embed_kit()
}

fn embed_plugins() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed={FOLDER_VARIABLE}");
    let folder = folder()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = components(&folder)?;
    if files.is_empty() {
        println!(
            "cargo::warning=no built-in plugins in {}: run `cargo xtask build` for a binary that has them",
            folder.display()
        );
    }
    let mut list = String::from("&[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        // Writing to a String cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_bytes!({:?})),", file.display().to_string());
    }
    list.push(']');
    let out = PathBuf::from(variable("OUT_DIR")?).join("built_in_plugins.rs");
    fs::write(out, list)
}

fn folder() -> io::Result<PathBuf> {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    Ok(workspace()?.join("target").join("plugins"))
}

/// Writes a list of the kit's files, each with its path in the checkout.
fn embed_kit() -> io::Result<()> {
    let workspace = workspace()?;
    let mut files = Vec::new();
    for part in KIT {
        println!("cargo::rerun-if-changed={}", workspace.join(part).display());
        collect(&workspace.join(part), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&workspace).unwrap_or(file).display().to_string().replace('\\', "/");
        // Writing to a String cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    list.push(']');
    fs::write(PathBuf::from(variable("OUT_DIR")?).join("kit.rs"), list)
}

/// Text files below `path`, or `path` itself; what tools leave behind is not.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') || LEFT_BEHIND.contains(&&*name) {
        return Ok(());
    }
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}

fn workspace() -> io::Result<PathBuf> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    Ok(manifest.ancestors().nth(2).map(Path::to_owned).unwrap_or(manifest))
}

/// In the order of their names, so that builds are reproducible.
fn components(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path.canonicalize()?);
        }
    }
    files.sort();
    Ok(files)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// What the author kit is made of, in the checkout.
const KIT: &[&str] = &[
    "Cargo.toml",
    "host/cli/templates/plugin",
    "sdk/cases/Cargo.toml",
    "sdk/cases/src",
    "sdk/js",
    "sdk/python",
    "sdk/rust/Cargo.toml",
    "sdk/rust/src",
    "wit/v0.1",
];
const LEFT_BEHIND: &[&str] = &["__pycache__", "node_modules", "target"];
const FOLDER_VARIABLE: &str = "BURSAR_BUILTIN_PLUGINS";
