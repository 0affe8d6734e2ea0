//! `bursar token delete`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Take a token back; it is refused from now on
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Its id
    id: String,
    /// One of the installation's operator tokens
    #[arg(long)]
    operator: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        session.client.delete(&super::path(session, self.operator, &[&self.id]), &[], None).await?;
        session.output.note(&format!("deleted {}", self.id))
    }
}
