//! `bursar credential types`

use clap::Args;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// List the credential types that can be created, or show one
#[derive(Args, Debug)]
pub(crate) struct Types {
    /// Show only this type; its schema with `--output json`
    type_id: Option<String>,
}

impl Types {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        if let Some(id) = &self.type_id {
            return session.output.one(&super::credential_type(session, id).await?, "/id");
        }
        let page = session.client.list(&["v1", "credential-types"], &[], None).await?;
        session.output.list(&page, COLUMNS, "/id")
    }
}

const COLUMNS: &[Column] = &[
    ("TYPE", "/id"),
    ("TITLE", "/title"),
    ("CATEGORY", "/category"),
    ("VERSION", "/version"),
    ("VARIANTS", "/variants"),
    ("FORMATS", "/formats"),
];
