//! `bursar account update`

use clap::Args;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::session::Session;

/// Change an account's title, or as an operator its name
#[derive(Args, Debug)]
pub(crate) struct Update {
    /// Name or id
    name: String,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    /// Rename it; for operators alone
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// Only if the account is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl Update {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut changes = Map::new();
        changes.extend(self.title.map(|title| ("title".to_owned(), json!(title))));
        changes.extend(self.new_name.map(|name| ("name".to_owned(), json!(name))));
        if changes.is_empty() {
            return Err(Failure::Usage("there is nothing to change: give --title or --name".to_owned()));
        }
        let path = ["v1", "accounts", &self.name];
        let account = session.client.patch(&path, &[], &Value::Object(changes), self.if_match.as_deref()).await?;
        session.output.row(&account, super::COLUMNS, "/id")
    }
}
