//! `bursar account list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the accounts that you can see
#[derive(Args, Debug)]
pub(crate) struct List;

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&["v1", "accounts"], &[], None).await?;
        session.output.list(&page, super::COLUMNS, "/id")
    }
}
