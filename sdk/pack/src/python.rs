//! Calls componentize-py.

use std::path::Path;
use std::process::Command;

use crate::{Error, Folder};

/// The command that builds a Python plugin into the file `out`, whose folder
/// must exist. `tool` is componentize-py, `wit` the contract's files, `sdk` the
/// folder with the package `bursar`.
///
/// # Errors
///
/// [`Error::World`] if no world has the manifest's abilities.
pub fn python_command(tool: &Path, folder: &Folder, wit: &Path, sdk: &Path, out: &Path) -> Result<Command, Error> {
    let mut command = Command::new(tool);
    command.arg("--quiet").arg("--wit-path").arg(wit).arg("--world").arg(folder.world()?);
    command.arg("componentize").arg("--python-path").arg(&folder.path).arg("--python-path").arg(sdk);
    // Without it the component imports sockets and files, which no host offers.
    command.arg("--stub-wasi").arg("--output").arg(out).arg("bursar.component");
    Ok(command)
}
