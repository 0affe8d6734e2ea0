//! `bursar plugin ...`

mod build;
mod list;
mod new;
mod show;

use clap::Subcommand;

use crate::failure::Failure;
use crate::session::{GlobalArgs, Session};

/// Plugins: where the credential types come from (operator)
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Show(show::Show),
    New(new::New),
    Build(build::Build),
}

impl Command {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(&Session::open(global)?).await,
            Self::Show(command) => command.run(&Session::open(global)?).await,
            Self::New(command) => command.run(global.output()),
            Self::Build(command) => command.run(global.output()),
        }
    }
}
