//! `codegen`: the generated files under `schemas/`.

use crate::shell::{Error, cargo, run};

/// Writes them anew. Each is written by the test that also checks it.
pub(crate) fn all() -> Result<(), Error> {
    // The whole workspace, as for the tests: with fewer crates the features
    // differ, and much would be compiled again.
    run(cargo(&["test", "--workspace", "--lib", "openapi"]).env("BURSAR_BLESS", "1"))
}
