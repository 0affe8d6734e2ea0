//! `bursar dns list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the records that a credential has put somewhere
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Name or id of a DNS provider's credential
    credential: String,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &["dns"]);
        let page = session.client.list(&path, &[], None).await?;
        session.output.list(&page, super::COLUMNS, "/fqdn")
    }
}
