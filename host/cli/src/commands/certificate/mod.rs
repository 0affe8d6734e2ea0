//! `bursar certificate ...`

mod list;

use clap::Subcommand;

use crate::failure::Failure;
use crate::session::Session;

/// Certificates of the account
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session).await,
        }
    }
}
