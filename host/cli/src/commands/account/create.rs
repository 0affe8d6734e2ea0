//! `bursar account create`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Create an account (operator)
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// A slug: letters, digits, `-` and `_`
    name: String,
    /// Shown in lists [default: the name]
    #[arg(long)]
    title: Option<String>,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let body = json!({"name": self.name, "title": self.title.as_ref().unwrap_or(&self.name)});
        let account = session.client.post(&["v1", "accounts"], &body).await?;
        session.output.row(&account, super::COLUMNS, "/id")
    }
}
