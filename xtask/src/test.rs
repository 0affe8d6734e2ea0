//! `test`: every test, with the outside tools they use fetched first.

use crate::shell::{Error, cargo, run};
use crate::{host, system};

/// Runs all tests, or those whose name contains the filter.
pub(crate) fn all(filter: &[String]) -> Result<(), Error> {
    system::ensure()?;
    host::build_debug()?;
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    run(tests.args(filter))
}
