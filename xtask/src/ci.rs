//! `ci`: what `.ci/run` runs. The cheap checks come first.

use std::process::Command;

use crate::shell::{Error, cargo, root, run};
use crate::{codegen, test};

/// Format, tests, lints and drift. The tidy rules are among the tests.
pub(crate) fn all() -> Result<(), Error> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    test::all(&[])?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    codegen::all()?;
    // Whatever generating anew has changed was not committed.
    run(Command::new("git").current_dir(root()).args(["diff", "--exit-code", "--", "schemas", "Cargo.lock"]))
}
