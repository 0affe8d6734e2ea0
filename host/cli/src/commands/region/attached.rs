//! `bursar region attached`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the regions that the account uses, and how its credentials stand there
#[derive(Args, Debug)]
pub(crate) struct Attached;

impl Attached {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&session.path(&["regions"]), &[], None).await?;
        session.output.list(&page, super::ATTACHED, "/region")
    }
}
