//! Runs other programs and prints their commands.

use std::path::PathBuf;
use std::process::Command;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{0}` is not installed: {1}")]
    Missing(String, String),
    #[error("`{0}` could not be started: {1}")]
    Start(String, std::io::Error),
    #[error("`{0}` failed: see its output above")]
    Failed(String),
    #[error(transparent)]
    Plugins(#[from] crate::plugins::Error),
}

/// Prints the command, runs it and waits for it.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Error::Failed(shown)),
        Err(error) => Err(Error::Start(shown, error)),
    }
}

/// Cargo in the workspace, with the folder of the built-in plugins.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(arguments).env("BURSAR_BUILTIN_PLUGINS", root().join("target/plugins"));
    command
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}
