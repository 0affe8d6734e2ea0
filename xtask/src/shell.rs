//! Running other programs, in view.

use std::path::PathBuf;
use std::process::Command;

/// Why a step did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{0}` is not installed: {1}")]
    Missing(String, String),
    #[error("`{0}` could not be started: {1}")]
    Start(String, std::io::Error),
    #[error("`{0}` failed; its output above says why")]
    Failed(String),
    #[error(transparent)]
    Plugins(#[from] crate::plugins::Error),
}

/// Prints the command and runs it to its end.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Error::Failed(shown)),
        Err(error) => Err(Error::Start(shown, error)),
    }
}

/// Cargo in the workspace, told where the built-in plugins are.
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
