//! `bursar region delete`

use clap::Args;

use crate::failure::Failure;
use crate::session::{self, Session};

/// Delete a region that no account uses (operator)
///
/// By force also one that accounts use: what is there stays, and is nobody's.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    /// Name or id
    region: String,
    /// Even where accounts use it
    #[arg(long)]
    force: bool,
    /// Only if the region is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let query: &[_] = if self.force { &[("force", "true".to_owned())] } else { &[] };
        session.client.delete(&session::region(&self.region, &[]), query, self.if_match.as_deref()).await?;
        session.output.note(&format!("deleted {}", self.region))
    }
}
