//! `bursar completions`

use std::io;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::commands::Cli;
use crate::failure::Failure;

/// Print a shell's completion script
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "bursar", &mut script);
        io::Write::write_all(&mut io::stdout(), &script).map_err(|error| Failure::io("write to stdout", error))
    }
}

const EXAMPLES: &str = "Example:
  bursar completions bash > ~/.local/share/bash-completion/completions/bursar";
