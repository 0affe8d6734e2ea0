use std::path::{Path, PathBuf};

use crate::support::server::workspace;
use crate::support::tools::run;

/// wasm-tools, which is not ours, reads off each component that ships what it
/// can do: a Rust component imports our interfaces and nothing else, and one
/// that asks for no network imports nothing that could reach it.
#[test]
fn a_component_imports_what_it_may_and_nothing_else() {
    let folder = workspace().join("target/plugins");
    let built_in = components(&folder);
    assert!(built_in.len() >= 3, "{built_in:?}");
    for file in built_in.iter().chain(&components(&folder.join("examples"))) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let imports = imports(file);
        assert!(!imports.is_empty(), "{name}: wasm-tools names no imports");
        let strangers: Vec<_> = imports.iter().filter(|import| !import.starts_with("bursar:plugin/")).collect();
        let is_rust =
            ["plugins", "examples"].iter().any(|of| workspace().join(of).join(&name).join("Cargo.toml").is_file());
        if is_rust {
            assert!(strangers.is_empty(), "{name} imports {strangers:?}");
        }
        // What the runtimes of other languages import is linked to nothing.
        let reaching = ["wasi:sockets", "wasi:http", "wasi:keyvalue", "wasi:config"];
        let reached: Vec<_> =
            strangers.iter().filter(|import| reaching.iter().any(|of| import.starts_with(of))).collect();
        assert!(reached.is_empty(), "{name} imports {reached:?}");
        if !name.starts_with("dns-") {
            let speaking = ["http", "signing", "clock"].map(|of| format!("bursar:plugin/{of}@"));
            let spoken: Vec<_> =
                imports.iter().filter(|import| speaking.iter().any(|of| import.starts_with(of))).collect();
            assert!(spoken.is_empty(), "{name} sees secrets and imports {spoken:?}");
        }
    }
}

/// The imports of the component as a whole.
fn imports(component: &Path) -> Vec<String> {
    let program = workspace().join("target/tools/bin/wasm-tools");
    assert!(program.is_file(), "{} is missing: `cargo xtask test` builds it", program.display());
    let wit = run(std::process::Command::new(program).args(["component", "wit"]).arg(component)).output();
    let (_, world) = wit.split_once("world root {").expect("a component has a world");
    let world = world.split("\n}").next().unwrap_or_default();
    let lines = world.lines().filter_map(|line| line.trim().strip_prefix("import "));
    lines.map(|line| line.trim_end_matches(';').to_owned()).collect()
}

fn components(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ext| ext == "wasm")).collect();
    files.sort();
    files
}
