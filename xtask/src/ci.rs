//! `ci`: what `.ci/run` runs. The cheap check comes first.

use std::process::Command;

use crate::shell::{Error, cargo, root, run};
use crate::test;

/// Format, tests and lints. The tidy rules, and the drift of generated files,
/// are among the tests.
pub(crate) fn all() -> Result<(), Error> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    test::all(&[])?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // Whatever building has changed was not committed: a lock file, for one.
    run(Command::new("git").current_dir(root()).args(["diff", "--exit-code"]))
}
