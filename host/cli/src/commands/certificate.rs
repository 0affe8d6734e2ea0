//! `bursar certificate ...`

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Certificates of the account
#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// List the usable certificates that cover a host, the best first
    List {
        /// A host name or address; a wildcard covers one label
        #[arg(long)]
        host: String,
    },
}

impl CertificateCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let Self::List { host } = self;
        let page = session.client.list(&session.path(&["certificates"]), &[("host", host)], None).await?;
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
