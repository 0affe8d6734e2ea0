//! `bursar plugin ...`

mod check;
mod list;
mod show;

use clap::Subcommand;

use crate::failure::Failure;
use crate::session::{GlobalArgs, Session};

/// Plugins: where the credential types come from (operator)
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Show(show::Show),
    Check(check::Check),
}

impl Command {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(&Session::open(global)?).await,
            Self::Show(command) => command.run(&Session::open(global)?).await,
            Self::Check(command) => command.run(global.output()).await,
        }
    }
}
