//! `bursar region drain`

use clap::Args;

use crate::failure::Failure;
use crate::form::Prompter as _;
use crate::session::{self, Session};
use crate::terminal::Terminal;

/// Remove what is ours from a region, of every account, until it is resumed (operator)
#[derive(Args, Debug)]
pub(crate) struct Drain {
    /// Name or id
    region: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Drain {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        if !self.yes && session.interactive {
            let question = format!("Remove the credentials of every account from {}", self.region);
            if !Terminal.confirm(&question, false)? {
                return Err(Failure::Failed("nothing was removed".to_owned()));
            }
        }
        let region = session.client.act(&session::region(&self.region, &["drain"])).await?;
        session.output.row(&region, super::COLUMNS, "/id")
    }
}
