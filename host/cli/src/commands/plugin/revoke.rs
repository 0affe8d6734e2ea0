//! `bursar plugin revoke`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Take back what a plugin may: it is not called until it is approved again
#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// Its id
    id: String,
}

impl Revoke {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let revoked = session.client.act(&["v1", "plugins", &self.id, "revoke"]).await?;
        session.output.row(&revoked, super::COLUMNS, "/id")
    }
}
