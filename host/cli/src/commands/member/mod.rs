//! `bursar member ...`

mod delete;
mod list;
mod put;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Members: who may do what in an account
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Put(put::Put),
    Delete(delete::Delete),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Put(command) => command.run(session).await,
            Self::Delete(command) => command.run(session).await,
        }
    }
}

/// Of a table of members.
const COLUMNS: &[Column] = &[
    ("PRINCIPAL", "/principal"),
    ("ROLE", "/role"),
    ("BINDABLE", "/bindable"),
    ("SINCE", "/createdAt"),
    ("UPDATED", "/updatedAt"),
];
