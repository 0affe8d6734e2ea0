//! `bursar dns providers`

use clap::Args;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// List the DNS providers whose credentials can be stored, or show one
#[derive(Args, Debug)]
pub(crate) struct Providers {
    /// Show only this provider; its schema with `--output json`
    provider: Option<String>,
}

impl Providers {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        if let Some(id) = &self.provider {
            return session.output.one(&session.client.get(&["v1", "dns-providers", id], &[]).await?, "/id");
        }
        let page = session.client.list(&["v1", "dns-providers"], &[], None).await?;
        session.output.list(&page, COLUMNS, "/id")
    }
}

const COLUMNS: &[Column] =
    &[("PROVIDER", "/id"), ("TYPE", "/type"), ("TITLE", "/title"), ("VERSION", "/version"), ("VARIANTS", "/variants")];
