//! `bursar credential versions`

use clap::Args;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// List who changed a credential's data, when and which fields
#[derive(Args, Debug)]
pub(crate) struct Versions {
    /// Name or id
    credential: String,
}

impl Versions {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &["versions"]);
        let page = session.client.list(&path, &[], None).await?;
        session.output.list(&page, COLUMNS, "/version")
    }
}

const COLUMNS: &[Column] = &[
    ("VERSION", "/version"),
    ("CURRENT", "/current"),
    ("ACTION", "/action"),
    ("CHANGED", "/changed"),
    ("BY", "/actor"),
    ("AT", "/createdAt"),
];
