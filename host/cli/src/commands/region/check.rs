//! `bursar region check`

use clap::Args;

use crate::failure::Failure;
use crate::session::{self, Session};

/// Find out whether a region can be reached and lets the broker in (operator)
///
/// Changes nothing there. Ends with exit code 1 where it cannot be used.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Name or id
    region: String,
}

impl Check {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let found = session.client.act(&session::region(&self.region, &["check"])).await?;
        match found["error"].as_str() {
            None => session.output.note(&format!("{} can be reached", self.region)),
            Some(error) => Err(Failure::Failed(format!("{}: {error}", self.region))),
        }
    }
}
