//! `bursar region delete`

use clap::Args;

use crate::failure::Failure;
use crate::session::{self, Session};

/// Delete a region that no account uses (operator)
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Name or id
    region: String,
    /// Only if the region is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        session.client.delete(&session::region(&self.region, &[]), &[], self.if_match.as_deref()).await?;
        session.output.note(&format!("deleted {}", self.region))
    }
}
