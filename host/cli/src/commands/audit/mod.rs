//! `bursar audit ...`

mod checkpoint;
mod export;
mod tail;
mod verify;

use bursar_domain::clock::rfc3339;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::session::{GlobalArgs, Session};

/// The audit trail: who touched what
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Tail(tail::Tail),
    Verify(verify::Verify),
    Export(export::Export),
    Checkpoint(checkpoint::Checkpoint),
}

impl Command {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::Tail(command) => command.run(&Session::open(global)?).await,
            Self::Verify(command) => command.run(global).await,
            Self::Export(command) => command.run(global).await,
            Self::Checkpoint(command) => command.run(&Session::open(global)?).await,
        }
    }
}

/// Which entries to read.
#[derive(Args, Clone, Debug)]
struct Selection {
    /// The whole installation's, not one account's (operator)
    #[arg(long)]
    all: bool,
    /// Only by this actor
    #[arg(long)]
    actor: Option<String>,
    /// Only this action, such as `credential.reveal`, or `credential.*`
    #[arg(long)]
    action: Option<String>,
    /// Only about this credential, by id
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
    /// Only at or after this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Selection {
    fn path<'a>(&self, session: &'a Session) -> Vec<&'a str> {
        if self.all { vec!["v1", "audit"] } else { session.path(&["audit"]) }
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        query.extend(self.actor.clone().map(|actor| ("actor", actor)));
        query.extend(self.action.clone().map(|action| ("action", action)));
        query.extend(self.credential.clone().map(|credential| ("credential", credential)));
        query.extend(self.since.map(|since| ("since", rfc3339(since))));
        query.extend(self.until.map(|until| ("until", rfc3339(until))));
        query
    }
}
