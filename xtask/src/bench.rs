//! `bench`: runs all benchmarks.

use crate::host;
use crate::shell::{Error, cargo, run};

/// Builds the release and prints the table of `docs/performance.md`. The flags go to the
/// load generator; `--quick` only checks that it works.
pub(crate) fn all(flags: &[String]) -> Result<(), Error> {
    host::build_release()?;
    run(&mut cargo(&["bench", "--package", "bursar-tests", "--bench", "plugin_call"]))?;
    let mut load = cargo(&["bench", "--package", "bursar-tests", "--bench", "load", "--"]);
    run(load.args(flags))
}
