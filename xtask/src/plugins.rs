//! Builds every Rust plugin into a component.
//!
//! `plugins/<id>` becomes `target/plugins/<id>.wasm` and `examples/<id>` becomes
//! `target/plugins/examples/<id>.wasm`. A folder is a plugin if it has a
//! `manifest.json` and a `Cargo.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use bursar_plugin_pack::{BuildFolders, Folder, Language, admit, encode, named_in, place, remap_flags};

use crate::shell::root;

/// Why a plugin could not be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("`{0}` failed: see its output above")]
    Command(String),
    #[error("{0}: the id is {1}; name the folder and the crate after it")]
    Id(PathBuf, String),
    #[error("{0}: examples in Rust go to examples/")]
    InRust(PathBuf),
    #[error("{0}: {1}")]
    Plugin(String, bursar_plugin_pack::Error),
    #[error("{0}: the component names {1}, a folder of this machine")]
    Named(String, PathBuf),
}

/// Builds, packs and checks all plugins and examples in Rust.
pub(crate) fn build_all() -> Result<(), Error> {
    let mut plugins = discover(&root().join("plugins"), &root().join("target/plugins"))?;
    plugins.extend(discover(&root().join("examples"), &root().join("target/plugins/examples"))?);

    ensure_target()?;
    let folders = build_folders()?;
    compile(&plugins, &folders)?;
    for plugin in &plugins {
        let failed = |error| Error::Plugin(plugin.id.clone(), error);
        let module = plugin.module();
        let module = fs::read(&module).map_err(|error| Error::File(module, error))?;
        let component = encode(&module).map_err(failed)?;
        if let Some(folder) = named_in(&component, &folders).into_iter().next() {
            return Err(Error::Named(plugin.id.clone(), folder));
        }
        place(&component, &plugin.component).map_err(failed)?;
        report(&plugin.id, &plugin.component)?;
    }
    Ok(())
}

/// Checks a component and prints its line.
pub(crate) fn report(id: &str, file: &Path) -> Result<(), Error> {
    let component = fs::read(file).map_err(|error| Error::File(file.to_owned(), error))?;
    let interfaces = admit(&component).map_err(|error| Error::Plugin(id.to_owned(), error))?;
    let shown = file.strip_prefix(root()).unwrap_or(file).display().to_string();
    println!("{:>9} bytes  {shown}  ({})", component.len(), interfaces.exports.join(", "));
    Ok(())
}

/// The folders below `parent` that hold a plugin, each named after its id.
pub(crate) fn folders(parent: &Path) -> Result<Vec<Folder>, Error> {
    let failed = |error| Error::File(parent.to_owned(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !path.join("manifest.json").is_file() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = Folder::open(&path).map_err(|error| Error::Plugin(name.clone(), error))?;
        if folder.id != name {
            return Err(Error::Id(path, folder.id));
        }
        found.push(folder);
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

/// A plugin in Rust.
struct Plugin {
    id: String,
    component: PathBuf,
}

impl Plugin {
    fn module(&self) -> PathBuf {
        guest_target().join(TARGET).join(PROFILE).join(format!("{}.wasm", self.id.replace('-', "_")))
    }
}

fn discover(parent: &Path, output: &Path) -> Result<Vec<Plugin>, Error> {
    let rust = folders(parent)?.into_iter().filter(|folder| folder.language == Language::Rust);
    Ok(rust.map(|folder| Plugin { component: output.join(format!("{}.wasm", folder.id)), id: folder.id }).collect())
}

fn ensure_target() -> Result<(), Error> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    match installed {
        Ok(listed) if String::from_utf8_lossy(&listed.stdout).lines().any(|line| line == TARGET) => Ok(()),
        Ok(_) => run(Command::new("rustup").args(["target", "add", TARGET])),
        // Without rustup the toolchain may have the target already; cargo reports it if
        // not.
        Err(_) => Ok(()),
    }
}

/// The folders of this machine that must not occur in a component.
fn build_folders() -> Result<BuildFolders, Error> {
    let said = |argument: &[&str]| {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let output = rustc.current_dir(root()).args(argument).output();
        let output = output.ok().filter(|output| output.status.success());
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .ok_or_else(|| Error::Command(format!("rustc {}", argument.join(" "))))
    };
    let version = said(&["-vV"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    Ok(BuildFolders {
        cargo_home: cargo_home(),
        sysroot: PathBuf::from(said(&["--print", "sysroot"])?),
        rustc_commit: commit.unwrap_or("unknown").to_owned(),
        source: root(),
        target: guest_target(),
    })
}

fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    std::env::var_os("CARGO_HOME").filter(|folder| !folder.is_empty()).map_or_else(home, PathBuf::from)
}

/// The target folder of the guests.
fn guest_target() -> PathBuf {
    root().join("target")
}

fn compile(plugins: &[Plugin], folders: &BuildFolders) -> Result<(), Error> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--quiet", "--target", TARGET, "--profile", PROFILE]);
    cargo.arg("--target-dir").arg(guest_target());
    // Without the environment's flags, which would change the components.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remap_flags(folders).join("\u{1f}"));
    for plugin in plugins {
        cargo.args(["--package", &plugin.id]);
    }
    run(&mut cargo)
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

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "plugin";
