//! `bursar credential sync`

use clap::Args;

use crate::failure::Failure;
use crate::output::{Column, Format};
use crate::session::Session;

/// Push a credential to every active region now
#[derive(Args, Debug)]
pub(crate) struct Sync {
    /// Name or id
    credential: String,
}

impl Sync {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut credential = session.client.act(&session.credential(&self.credential, &["sync"])).await?;
        if session.output.format() != Format::Table {
            return session.output.document(&credential);
        }
        let standing = serde_json::json!({"items": credential["sync"].take()});
        session.output.list(&standing, COLUMNS, "/region")
    }
}

const COLUMNS: &[Column] = &[
    ("REGION", "/region"),
    ("STATE", "/state"),
    ("VERSION", "/version"),
    ("SYNCED", "/syncedAt"),
    ("ERROR", "/error"),
];
