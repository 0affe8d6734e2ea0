//! `test`: every test, with the outside tools they use fetched first.

use crate::shell::{Error, cargo, run};
use crate::{guests, python, system, wasm_tools};

/// Runs all tests, or those whose name contains the filter.
pub(crate) fn all(filter: &[String]) -> Result<(), Error> {
    system::ensure()?;
    wasm_tools::ensure()?;
    python::ensure()?;
    guests::build_with_rust()?;
    if filter.is_empty() {
        guests::test_libraries()?;
    }
    // The same selection as the tests', so that nothing is compiled twice; the
    // program under test is among it.
    run(&mut cargo(&["build", "--workspace", "--all-targets"]))?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    run(tests.args(filter))
}
