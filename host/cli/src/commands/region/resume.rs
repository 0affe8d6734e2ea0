//! `bursar region resume`

use clap::Args;

use crate::failure::Failure;
use crate::session::{self, Session};

/// Keep a region in place again (operator)
#[derive(Args, Debug)]
pub(crate) struct Resume {
    /// Name or id
    region: String,
}

impl Resume {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let region = session.client.act(&session::region(&self.region, &["resume"])).await?;
        session.output.row(&region, super::COLUMNS, "/id")
    }
}
