//! `codegen`: the generated files under `schemas/`.

use crate::shell::{Error, cargo, run};

/// Writes them anew. Each is written by the test that also checks it.
pub(crate) fn all() -> Result<(), Error> {
    run(cargo(&["test", "--package", "bursar-server", "openapi"]).env("BURSAR_BLESS", "1"))
}
