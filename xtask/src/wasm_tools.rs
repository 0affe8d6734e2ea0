//! `wasm-tools`, the outside witness of what a component imports: built from
//! crates.io into `target/tools`, and of it the part that reads components.

use std::process::Command;

use crate::shell::{Error, cargo, root, run};

/// Builds it where it is missing or another version.
pub(crate) fn ensure() -> Result<(), Error> {
    let tools = root().join("target/tools");
    let installed = Command::new(tools.join("bin/wasm-tools")).arg("--version").output();
    if installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(VERSION)) {
        return Ok(());
    }
    let mut install = cargo(&["install", "--quiet", "--locked", "--debug", "--no-default-features"]);
    install.args(["--features", "component", "--version", VERSION, "--root"]).arg(&tools).arg("wasm-tools");
    run(install.arg("--target-dir").arg(tools.join("build")))
}

const VERSION: &str = "1.261.0";
