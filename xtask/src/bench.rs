//! `bench`: measures, in one run.

use crate::shell::{Error, cargo, run};
use crate::{host, plugins};

/// Builds the release and prints the table of `docs/performance.md`.
pub(crate) fn all(flags: &[String]) -> Result<(), Error> {
    plugins::build_all()?;
    host::build_release()?;
    let mut load = cargo(&["run", "--release", "--package", "bursar-tests", "--bin", "load", "--"]);
    run(load.args(flags))
}
