//! `bursar region ...`

mod attach;
mod attached;
mod check;
mod create;
mod delete;
mod detach;
mod drain;
mod ensure;
mod list;
mod login;
mod pause;
mod plan;
mod progress;
mod resume;
mod settings;
mod show;
mod sync;
mod targets;
mod update;

use clap::{Subcommand, ValueEnum};

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Places that credentials are kept in: directories, clusters, vaults
///
/// An operator makes regions; an account uses those it attaches.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Targets(targets::Targets),
    List(list::List),
    Create(create::Create),
    Show(show::Show),
    Check(check::Check),
    Update(update::Update),
    Delete(delete::Delete),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Drain(drain::Drain),
    Attach(attach::Attach),
    Detach(detach::Detach),
    Attached(attached::Attached),
    Plan(plan::Plan),
    Sync(sync::Sync),
    Ensure(ensure::Ensure),
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Targets(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Create(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
            Self::Check(command) => command.run(session).await,
            Self::Update(command) => command.run(session).await,
            Self::Delete(command) => command.run(session).await,
            Self::Pause(command) => command.run(session).await,
            Self::Resume(command) => command.run(session).await,
            Self::Drain(command) => command.run(session).await,
            Self::Attach(command) => command.run(session).await,
            Self::Detach(command) => command.run(session).await,
            Self::Attached(command) => command.run(session).await,
            Self::Plan(command) => command.run(session).await,
            Self::Sync(command) => command.run(session).await,
            Self::Ensure(command) => command.run(session).await,
        }
    }
}

/// What is done where somebody changed what is there.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Drift {
    /// Put it right
    Repair,
    /// Tell of it
    Report,
}

impl Drift {
    fn as_str(self) -> &'static str {
        match self {
            Self::Repair => "repair",
            Self::Report => "report",
        }
    }
}

/// What happens to what is in a region when the account lets go of it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnDetach {
    /// Remove what is ours
    Remove,
    /// Leave it there; it is nobody's from then on
    Keep,
}

impl OnDetach {
    fn as_str(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Keep => "keep",
        }
    }
}

/// Of a table of regions.
const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("TITLE", "/title"),
    ("TARGET", "/target"),
    ("MODE", "/mode"),
    ("DRIFT", "/drift"),
    ("ACCOUNTS", "/accounts"),
    ("CREATED", "/createdAt"),
    ("ID", "/id"),
];

/// Of a table of the regions that an account uses.
const ATTACHED: &[Column] = &[
    ("REGION", "/region"),
    ("TYPES", "/types"),
    ("FORMATS", "/formats"),
    ("ON DETACH", "/onDetach"),
    ("DETACHING", "/detaching"),
    ("SYNC", "/sync"),
    ("SINCE", "/attachedAt"),
];
