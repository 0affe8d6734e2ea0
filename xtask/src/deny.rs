//! `deny`: checks the dependencies against `deny.toml`.

use std::path::Path;
use std::process::Command;

use crate::shell::{Error, root, run};
use crate::system::is_ci;
use crate::tools::CARGO_DENY;

/// Checks licenses, sources and duplicates, and known vulnerabilities if their database
/// can be fetched. Without `cargo-deny` nothing is checked, but with `CI=true` that is a
/// failure.
pub(crate) fn check() -> Result<(), Error> {
    let program = match CARGO_DENY.ensure() {
        Err(error) if !is_ci() => {
            eprintln!("The dependencies are NOT CHECKED, since cargo-deny could not be installed: {error}");
            return Ok(());
        }
        installed => installed?,
    };
    run(&mut cargo_deny(&program, &["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;
    // It comes from github.com, which not every network reaches.
    if run(&mut cargo_deny(&program, &["fetch", "db"])).is_err() {
        eprintln!("Vulnerabilities are NOT CHECKED, since the advisory database could not be fetched.");
        return Ok(());
    }
    run(&mut cargo_deny(&program, &["check", "--disable-fetch", "advisories"]))
}

fn cargo_deny(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).arg("--locked").args(arguments);
    command
}
