//! `bursar plugin ...`

mod list;
mod show;

use clap::Subcommand;

use crate::failure::Failure;
use crate::session::Session;

/// Plugins: where the credential types come from (operator)
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Show(show::Show),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
        }
    }
}
