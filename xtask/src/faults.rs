//! `faults`: what users see while nodes, the database and the network fail.

use crate::shell::{Error, cargo, root, run};
use crate::{host, system};

/// Builds the release and has three nodes of it suffer for so many seconds, 600
/// unless told otherwise. Fails where something acknowledged is lost, a history has
/// no order, a change is pushed twice, or the operator guide's figures are not kept.
pub(crate) fn campaign(arguments: &[String]) -> Result<(), Error> {
    let seconds = arguments.first().map_or("600", String::as_str);
    system::ensure()?;
    host::build_release()?;
    let release = root().join("target/release/bursar");
    let mut test = cargo(&["test", "--workspace", "--test", "it"]);
    test.args(["--", "faults::nothing_acknowledged", "--nocapture"]);
    run(test.env("BURSAR_FAULTS_SECONDS", seconds).env("BURSAR_BIN", release))
}
