//! `bursar token list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List tokens, never the tokens themselves
#[derive(Args, Debug)]
pub(crate) struct List {
    /// The installation's operator tokens
    #[arg(long)]
    operator: bool,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let page = session.client.list(&super::path(session, self.operator, &[]), &[], None).await?;
        session.output.list(&page, super::COLUMNS, "/id")
    }
}
