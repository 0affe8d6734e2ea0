//! `codegen`: the generated files, `schemas/openapi.json` and `docs/capabilities.md`.

use crate::shell::{Error, cargo, run};

/// Regenerates the files. Each is written by the test that also checks it.
pub(crate) fn all() -> Result<(), Error> {
    // The whole workspace, as for the tests: a subset would select other features and
    // compile much again.
    run(cargo(&["test", "--workspace", "--lib", "openapi"]).env("BURSAR_BLESS", "1"))?;
    run(cargo(&["test", "--workspace", "--test", "it", "tidy::capabilities"]).env("BURSAR_BLESS", "1"))
}
