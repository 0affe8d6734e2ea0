//! `bursar binding delete`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// Let a consumer use the account's default again, where its slot has one
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Kind and name
    consumer: String,
    /// Where it is used
    slot: String,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        session.client.delete(&session.path(&["bindings", &self.consumer, &self.slot]), &[], None).await?;
        session.output.note(&format!("unbound {} in {}", self.consumer, self.slot))
    }
}
