//! Builds every Rust plugin into a component.
//!
//! `plugins/<id>` becomes `target/plugins/<id>.wasm` and `examples/<id>` becomes
//! `target/plugins/examples/<id>.wasm`. What there is to build is read from the
//! folders: one is a plugin when it has a `manifest.json` and a `Cargo.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("`{0}` failed; its output above says why")]
    Command(String),
    #[error("{0}/manifest.json: {1}")]
    Manifest(String, serde_json::Error),
    #[error("{0}/manifest.json: the id is {1}; name the folder and the crate after it")]
    Id(String, String),
    #[error("{0}: not made a component: {1}")]
    Encode(String, String),
    #[error("{0}: imports `{1}`; a plugin may import `bursar:plugin/` interfaces alone")]
    Import(String, String),
}

/// Builds, packs and checks all plugins and examples.
pub(crate) fn build_all() -> Result<(), Error> {
    let root = workspace_root();
    let mut plugins = discover(&root.join("plugins"), &root.join("target/plugins"))?;
    plugins.extend(discover(&root.join("examples"), &root.join("target/plugins/examples"))?);

    ensure_target()?;
    compile(&root, &plugins)?;
    for plugin in &plugins {
        let module = read(&plugin.module(&root))?;
        let component = encode(&plugin.id, &module)?;
        let exports = check(&plugin.id, &component)?;
        let file = plugin.write(&component)?;
        let shown = file.strip_prefix(&root).unwrap_or(&file);
        println!("{:>9} bytes  {}  ({})", component.len(), shown.display(), exports.join(", "));
    }
    Ok(())
}

/// A plugin's folder, by its id.
struct Plugin {
    id: String,
    output: PathBuf,
}

impl Plugin {
    fn module(&self, root: &Path) -> PathBuf {
        root.join("target").join(TARGET).join(PROFILE).join(format!("{}.wasm", self.id.replace('-', "_")))
    }

    /// Renames into place, so that a broker which watches the folder never
    /// reads half a file.
    fn write(&self, component: &[u8]) -> Result<PathBuf, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |error| Error::File(path, error)
        };
        fs::create_dir_all(&self.output).map_err(failed(&self.output))?;
        let file = self.output.join(format!("{}.wasm", self.id));
        let partial = self.output.join(format!(".{}.wasm.partial", self.id));
        fs::write(&partial, component).map_err(failed(&partial))?;
        fs::rename(&partial, &file).map_err(failed(&file))?;
        Ok(file)
    }
}

fn discover(folder: &Path, output: &Path) -> Result<Vec<Plugin>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::File(folder.to_owned(), error))?;
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::File(folder.to_owned(), error))?;
        let path = entry.path();
        if !path.join("manifest.json").exists() || !path.join("Cargo.toml").exists() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let manifest = read(&path.join("manifest.json"))?;
        let manifest: serde_json::Value =
            serde_json::from_slice(&manifest).map_err(|error| Error::Manifest(name.clone(), error))?;
        if manifest["id"] != name.as_str() {
            return Err(Error::Id(name, manifest["id"].to_string()));
        }
        ids.push(name);
    }
    ids.sort();
    Ok(ids.into_iter().map(|id| Plugin { id, output: output.to_owned() }).collect())
}

fn ensure_target() -> Result<(), Error> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    match installed {
        Ok(listed) if String::from_utf8_lossy(&listed.stdout).lines().any(|line| line == TARGET) => Ok(()),
        Ok(_) => run(Command::new("rustup").args(["target", "add", TARGET])),
        // Without rustup the toolchain comes from elsewhere, which may well
        // have the target; cargo will say if not.
        Err(_) => Ok(()),
    }
}

fn compile(root: &Path, plugins: &[Plugin]) -> Result<(), Error> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--quiet", "--target", TARGET, "--profile", PROFILE]);
    cargo.arg("--target-dir").arg(root.join("target"));
    for plugin in plugins {
        cargo.args(["--package", &plugin.id]);
    }
    run(&mut cargo)
}

fn encode(id: &str, module: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::Encode(id.to_owned(), format!("{error:#}"));
    ComponentEncoder::default().validate(true).module(module).map_err(failed)?.encode().map_err(failed)
}

/// What a component imports is what it can do, so the list is checked where the
/// file is made and not only where it is loaded. Returns the exports.
fn check(id: &str, component: &[u8]) -> Result<Vec<String>, Error> {
    let failed = |error: wasmparser::BinaryReaderError| Error::Encode(id.to_owned(), error.to_string());
    let mut exports = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(failed)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            // The parts inside import from one another; depth 1 is the whole.
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let name = import.map_err(failed)?.name.name;
                    if !name.starts_with("bursar:plugin/") {
                        return Err(Error::Import(id.to_owned(), name.to_owned()));
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let name = export.map_err(failed)?.name.name;
                    let interface = name.trim_start_matches("bursar:plugin/").split('@').next();
                    exports.extend(interface.map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    Ok(exports)
}

fn run(command: &mut Command) -> Result<(), Error> {
    let shown = format!("{} {}", command.get_program().to_string_lossy(), {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        arguments.join(" ")
    });
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Error::Command(shown)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File(path.to_owned(), error))
}

fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "plugin";
