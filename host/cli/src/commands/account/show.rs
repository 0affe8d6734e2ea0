//! `bursar account show`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Show an account
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Name or id [default: the account in force]
    name: Option<String>,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let name = self.name.as_ref().unwrap_or(&session.account);
        session.output.one(&session.client.get(&["v1", "accounts", name], &[]).await?, "/id")
    }
}
