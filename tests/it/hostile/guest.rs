//! Builds the hostile component the way any third party would.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use wit_component::ComponentEncoder;

use crate::support::server::workspace;

/// The two versions of the type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    /// Its schema marks the secret.
    Marked,
    /// A higher version whose schema no longer does.
    Unmarked,
}

/// Puts the component into `folder`, in the place of another version.
pub(super) fn install(version: Version, folder: &Path) {
    let component = encode(&build(version));
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("hostile.wasm"), component).expect("a plugin file");
}

/// The core module.
fn build(version: Version) -> Vec<u8> {
    // Both versions leave their module in the same place.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().expect("no build panicked");
    let target = workspace().join("target/acceptance-guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--locked", "--release", "--target", TARGET, "--manifest-path"])
        .arg(workspace().join("tests/guests/hostile/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if matches!(version, Version::Unmarked) {
        cargo.args(["--features", "unmarked"]);
    }
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "the hostile guest does not build; `rustup target add {TARGET}` may be missing");
    fs::read(target.join(TARGET).join("release/hostile.wasm")).expect("cargo left the module")
}

fn encode(module: &[u8]) -> Vec<u8> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(module).expect("a module with its interface").encode().expect("a component")
}

const TARGET: &str = "wasm32-unknown-unknown";
