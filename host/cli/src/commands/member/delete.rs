//! `bursar member delete`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Take somebody's membership away
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Who
    principal: String,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        session.client.delete(&session.path(&["members", &self.principal]), &[], None).await?;
        session.output.note(&format!("removed {}", self.principal))
    }
}
