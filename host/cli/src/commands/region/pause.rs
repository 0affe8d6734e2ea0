//! `bursar region pause`

use clap::Args;

use crate::failure::Failure;
use crate::session::{self, Session};

/// Change nothing in a region until it is resumed (operator)
#[derive(Args, Debug)]
pub(crate) struct Pause {
    /// Name or id
    region: String,
}

impl Pause {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let region = session.client.act(&session::region(&self.region, &["pause"])).await?;
        session.output.row(&region, super::COLUMNS, "/id")
    }
}
