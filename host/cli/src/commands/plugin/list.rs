//! `bursar plugin list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List every plugin and how it fares
#[derive(Args, Debug)]
pub(crate) struct List;

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&["v1", "plugins"], &[], None).await?;
        session.output.list(&page, super::COLUMNS, "/id")
    }
}
