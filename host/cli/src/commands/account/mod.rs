//! `bursar account ...`

mod create;
mod delete;
mod list;
mod show;
mod update;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Accounts: who shares nothing with whom
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Create(create::Create),
    Show(show::Show),
    Update(update::Update),
    Delete(delete::Delete),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Create(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
            Self::Update(command) => command.run(session).await,
            Self::Delete(command) => command.run(session).await,
        }
    }
}

/// Of a table of accounts.
const COLUMNS: &[Column] = &[("NAME", "/name"), ("TITLE", "/title"), ("CREATED", "/createdAt"), ("ID", "/id")];
