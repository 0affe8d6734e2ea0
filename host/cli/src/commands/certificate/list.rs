//! `bursar certificate list`

use clap::Args;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// List the usable certificates that cover a host, the best first
#[derive(Args, Debug)]
pub(crate) struct List {
    /// A host name or address; a wildcard covers one label
    #[arg(long)]
    host: String,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&session.path(&["certificates"]), &[("host", self.host)], None).await?;
        session.output.list(&page, COLUMNS, "/id")
    }
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("TYPE", "/type"),
    ("TITLE", "/title"),
    ("STATUS", "/status"),
    ("EXPIRES", "/expiresAt"),
    ("ID", "/id"),
];
