//! `ci`: what `.ci/run` runs, the cheap checks first.

use std::process::Command;

use crate::shell::{Error, cargo, root, run};
use crate::{deny, test};

/// Checks format, dependencies, tests and lints. The tests include the tidy rules and
/// the drift of generated files.
pub(crate) fn all() -> Result<(), Error> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    deny::check()?;
    test::all(&[])?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // A file that the build changed, such as a lock file, was not committed.
    run(Command::new("git").current_dir(root()).args(["diff", "--exit-code"]))
}
