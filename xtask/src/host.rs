//! `run` and `build`: the binary, with the built-in plugins inside.

use std::process::Command;

use crate::plugins;
use crate::shell::{Error, cargo, root, run as execute};

/// Builds everything without optimizing our own code, and serves.
pub(crate) fn run(flags: &[String]) -> Result<(), Error> {
    build_debug()?;
    let mut serve = Command::new(root().join("target/debug/bursar"));
    serve.arg("serve");
    if !flags.iter().any(|flag| flag.starts_with("--data-dir")) {
        serve.arg("--data-dir").arg(root().join("target/bursar-data"));
    }
    execute(serve.args(flags))
}

/// Builds the binary that `run` and the tests use.
pub(crate) fn build_debug() -> Result<(), Error> {
    plugins::build_all()?;
    execute(&mut cargo(&["build", "--package", "bursar"]))
}

/// Builds the binary to install.
pub(crate) fn build_release() -> Result<(), Error> {
    plugins::build_all()?;
    execute(&mut cargo(&["build", "--release", "--package", "bursar"]))?;
    println!("target/release/bursar");
    Ok(())
}
