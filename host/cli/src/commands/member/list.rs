//! `bursar member list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the account's members
#[derive(Args, Debug)]
pub(crate) struct List;

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&session.path(&["members"]), &[], None).await?;
        session.output.list(&page, super::COLUMNS, "/principal")
    }
}
