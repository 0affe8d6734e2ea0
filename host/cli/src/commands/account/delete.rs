//! `bursar account delete`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Delete an empty account (operator)
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Name or id
    name: String,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        session.client.delete(&["v1", "accounts", &self.name], &[], None).await?;
        session.output.note(&format!("deleted {}", self.name))
    }
}
