//! `test`: every test, with the outside tools they use fetched first.

use crate::shell::{Error, cargo, run};
use crate::{plugins, python, system};

/// Runs all tests, or those whose name contains the filter.
pub(crate) fn all(filter: &[String]) -> Result<(), Error> {
    system::ensure()?;
    python::ensure()?;
    plugins::build_all()?;
    // The same selection as the tests', so that nothing is compiled twice; the
    // program under test is among it.
    run(&mut cargo(&["build", "--workspace", "--all-targets"]))?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    run(tests.args(filter))
}
