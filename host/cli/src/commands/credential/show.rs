//! `bursar credential show`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Show a credential without its secrets
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Name or id
    credential: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let credential = session.client.get(&session.credential(&self.credential, &[]), &[]).await?;
        session.output.one(&credential, "/id")
    }
}
