//! `test`: every test, after installing the tools they use.

use crate::shell::{Error, cargo, run};
use crate::{guests, python, system, tools};

/// Runs all tests, or those whose names contain the filter.
pub(crate) fn all(filter: &[String]) -> Result<(), Error> {
    system::ensure()?;
    tools::WASM_TOOLS.ensure()?;
    python::ensure()?;
    guests::build_with_rust()?;
    if filter.is_empty() {
        guests::test_libraries()?;
    }
    // The same packages as for the tests, so that nothing is compiled twice; they
    // include the program under test.
    run(&mut cargo(&["build", "--workspace", "--all-targets"]))?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    run(tests.args(filter))
}
