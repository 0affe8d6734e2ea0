//! `bursar dns ...`

mod cleanup;
mod list;
mod present;
mod providers;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Answer DNS challenges with a stored credential of a DNS provider
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Present(present::Present),
    Cleanup(cleanup::Cleanup),
    List(list::List),
    Providers(providers::Providers),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Present(command) => command.run(session).await,
            Self::Cleanup(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Providers(command) => command.run(session).await,
        }
    }
}

/// Of a table of records.
const COLUMNS: &[Column] = &[
    ("NAME", "/fqdn"),
    ("VALUE", "/value"),
    ("STATE", "/state"),
    ("TTL", "/ttlSeconds"),
    ("SINCE", "/since"),
    ("BY", "/by"),
];
