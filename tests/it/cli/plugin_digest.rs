//! A component tells nothing of the machine it was built on, so that whoever has
//! the source can build it again and compare digests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::server::{binary, workspace};

#[test]
fn the_same_source_has_one_digest_whoever_builds_it_and_where() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (near, far) = (folder.path().join("near"), folder.path().join("far/away/deeper"));
    for place in [&near, &far] {
        fs::create_dir_all(place).expect("a folder");
        run(place, &["plugin", "new", "login"], &[]);
    }
    // Another user's: what cargo fetched lies under another name, and so does what it builds.
    let cargo_home = folder.path().join("home-of-another");
    std::os::unix::fs::symlink(cargo_home_here(), &cargo_home).expect("a link");
    let target = folder.path().join("target-of-another");
    let here = workspace().join("target/new-plugins");
    let first = built(&near, &[("CARGO_TARGET_DIR", here.as_path())]);
    let second = built(&far, &[("CARGO_TARGET_DIR", target.as_path()), ("CARGO_HOME", cargo_home.as_path())]);
    assert!(!first.is_empty() && first == second, "{} and {} bytes", first.len(), second.len());
    tells_nothing("login", &first, &folders_here());
}

/// Those of the project, in every language.
#[test]
fn no_component_that_is_shipped_names_a_folder_of_its_builder() {
    let folder = workspace().join("target/plugins");
    let mut seen = 0;
    for place in [folder.clone(), folder.join("examples")] {
        for entry in fs::read_dir(place).expect("built plugins").flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "wasm") {
                continue;
            }
            // The runtimes of JavaScript and Python come built, and name folders of
            // those who built them, the same in each copy.
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let has_runtime = ["dns-hetzner", "dns-digitalocean"].contains(&name.as_str());
            let folders = if has_runtime { vec![workspace()] } else { folders_here() };
            tells_nothing(&name, &fs::read(&path).expect("a component"), &folders);
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} components");
}

#[track_caller]
fn tells_nothing(name: &str, component: &[u8], folders: &[PathBuf]) {
    for folder in folders {
        let text = folder.to_str().expect("text").as_bytes();
        assert!(!component.windows(text.len()).any(|part| part == text), "{name} names {}", folder.display());
    }
}

fn folders_here() -> Vec<PathBuf> {
    let toolchains = std::env::home_dir().expect("a home").join(".rustup");
    vec![workspace(), cargo_home_here(), toolchains, PathBuf::from("registry/src/index.")]
}

fn cargo_home_here() -> PathBuf {
    let told = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    told.unwrap_or_else(|| std::env::home_dir().expect("a home").join(".cargo"))
}

fn built(folder: &Path, environment: &[(&str, &Path)]) -> Vec<u8> {
    let said = run(folder, &["plugin", "build", "login", "--quiet"], environment);
    fs::read(folder.join(said.trim_end())).expect("a component")
}

fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> String {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).envs(environment.iter().copied());
    let output = command.output().expect("the client runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
