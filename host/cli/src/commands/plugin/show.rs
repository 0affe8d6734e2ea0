//! `bursar plugin show`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Show a plugin: its digest, the hosts it wants and was granted
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Its id
    id: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        session.output.one(&session.client.get(&["v1", "plugins", &self.id], &[]).await?, "/id")
    }
}
