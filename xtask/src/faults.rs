//! `faults`: tests what users see while nodes, the database and the network fail.

use crate::shell::{Error, cargo, root, run};
use crate::{host, system};

/// Builds the release and injects faults into three nodes of it, for the given number of
/// seconds or 600. Fails if an acknowledged write is lost, a history has no order, a
/// change is pushed twice, or the figures in the operator guide are exceeded.
pub(crate) fn campaign(arguments: &[String]) -> Result<(), Error> {
    let seconds = arguments.first().map_or("600", String::as_str);
    system::ensure()?;
    host::build_release()?;
    let release = root().join("target/release/bursar");
    let mut test = cargo(&["test", "--workspace", "--test", "it"]);
    test.args(["--", "faults::nothing_acknowledged", "--nocapture"]);
    run(test.env("BURSAR_FAULTS_SECONDS", seconds).env("BURSAR_BIN", release))
}
