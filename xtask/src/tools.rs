//! Tools that `cargo install` builds from crates.io into `target/tools`.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{Error, cargo, root, run};

/// A tool, in the one version that is used here.
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
    /// Of its features, those that are needed.
    features: &'static [&'static str],
}

/// Shows what a component imports, independently of our own code; only the part of it
/// that reads components.
pub(crate) const WASM_TOOLS: CargoTool = CargoTool { name: "wasm-tools", version: "1.261.0", features: &["component"] };
/// Checks the dependencies against `deny.toml`.
pub(crate) const CARGO_DENY: CargoTool = CargoTool { name: "cargo-deny", version: "0.20.2", features: &[] };

impl CargoTool {
    /// Builds the tool if it is missing or has another version; returns its program.
    pub(crate) fn ensure(&self) -> Result<PathBuf, Error> {
        let tools = root().join("target/tools");
        let program = tools.join("bin").join(self.name);
        let installed = Command::new(&program).arg("--version").output();
        if installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(self.version)) {
            return Ok(program);
        }
        // Without optimization and debug information it is built in half the time.
        let mut install = cargo(&["install", "--quiet", "--locked", "--debug", "--no-default-features"]);
        install.env("CARGO_PROFILE_DEV_DEBUG", "0");
        for feature in self.features {
            install.args(["--features", feature]);
        }
        install.args(["--version", self.version, "--root"]).arg(&tools);
        run(install.arg("--target-dir").arg(tools.join("build")).arg(self.name))?;
        Ok(program)
    }
}
