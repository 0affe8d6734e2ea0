//! Builds the hostile components the way any third party would.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use wit_component::ComponentEncoder;

use crate::support::server::workspace;

/// Which component.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guest {
    /// The credential type; its schema marks the secret.
    Marked,
    /// A higher version whose schema no longer does.
    Unmarked,
    /// The DNS provider.
    Dns,
    /// The type with two secrets for two hosts.
    Crossing,
    /// The same manifest with other code.
    OtherCrossing,
}

/// Puts the component into `folder`, in the place of another version.
pub(super) fn install(guest: Guest, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(format!("{}.wasm", guest.id())), component(guest)).expect("a plugin file");
}

/// The component's bytes.
pub(super) fn component(guest: Guest) -> Vec<u8> {
    encode(&build(guest))
}

impl Guest {
    fn id(self) -> &'static str {
        match self {
            Self::Marked | Self::Unmarked => "hostile",
            Self::Dns => "hostile-dns",
            Self::Crossing | Self::OtherCrossing => "crossing",
        }
    }
}

/// The core module.
fn build(guest: Guest) -> Vec<u8> {
    // Two versions leave their module in the same place.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().expect("no build panicked");
    let target = workspace().join("target/acceptance-guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--locked", "--release", "--target", TARGET, "--manifest-path"])
        .arg(workspace().join("tests/guests").join(guest.id()).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    match guest {
        Guest::Unmarked => drop(cargo.args(["--features", "unmarked"])),
        Guest::OtherCrossing => drop(cargo.args(["--features", "other"])),
        Guest::Marked | Guest::Dns | Guest::Crossing => {}
    }
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "the hostile guest does not build; `rustup target add {TARGET}` may be missing");
    let module = format!("{}.wasm", guest.id().replace('-', "_"));
    fs::read(target.join(TARGET).join("release").join(module)).expect("cargo left the module")
}

fn encode(module: &[u8]) -> Vec<u8> {
    let encoder = ComponentEncoder::default();
    encoder.validate(true).module(module).expect("a module with its interface").encode().expect("a component")
}

const TARGET: &str = "wasm32-unknown-unknown";
