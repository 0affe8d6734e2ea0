//! `bursar token ...`

mod create;
mod delete;
mod list;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Tokens: what people and programs show to be let in
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Create(Box<create::Create>),
    Delete(delete::Delete),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Create(command) => command.run(session).await,
            Self::Delete(command) => command.run(session).await,
        }
    }
}

/// The path of the account's tokens, or the installation's.
fn path<'a>(session: &'a Session, operator: bool, rest: &[&'a str]) -> Vec<&'a str> {
    if operator { [&["v1", "tokens"], rest].concat() } else { session.path(&[&["tokens"], rest].concat()) }
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("ROLE", "/role"),
    ("PRINCIPAL", "/principal"),
    ("EXPIRES", "/expiresAt"),
    ("LAST USED", "/lastUsedAt"),
    ("ID", "/id"),
];
