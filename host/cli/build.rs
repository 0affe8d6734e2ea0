//! Embeds the built-in plugins: every `*.wasm` directly under the folder that
//! `BURSAR_BUILTIN_PLUGINS` names (set by `cargo xtask build`), else under
//! `target/plugins` of the workspace. Without any, the binary has none and
//! loads only folders.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
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
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.ancestors().nth(2).map(Path::to_owned).unwrap_or(manifest);
    Ok(workspace.join("target").join("plugins"))
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

const FOLDER_VARIABLE: &str = "BURSAR_BUILTIN_PLUGINS";
