//! `bursar region show`

use clap::Args;

use crate::failure::Failure;
use crate::session::{self, Session};

/// Show a region, but for the secrets of its settings
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Name or id
    region: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let region = session.client.get(&session::region(&self.region, &[]), &[]).await?;
        session.output.one(&region, "/id")
    }
}
