//! `bursar region list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the installation's regions
#[derive(Args, Debug)]
pub(crate) struct List;

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&["v1", "regions"], &[], None).await?;
        session.output.list(&page, super::COLUMNS, "/id")
    }
}
