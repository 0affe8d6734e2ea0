//! `bursar account ...`

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Accounts: tenants that share nothing
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// List the accounts that you can see
    List,
    /// Create an account (operator)
    Create {
        /// A slug: letters, digits, `-` and `_`
        name: String,
        /// Shown in lists [default: the name]
        #[arg(long)]
        title: Option<String>,
    },
    /// Show an account
    Show {
        /// Name or id [default: the current account]
        name: Option<String>,
    },
    Update(UpdateAccount),
    /// Delete an empty account (operator)
    Delete {
        /// Name or id
        name: String,
    },
}

impl AccountCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let page = session.client.list(&["v1", "accounts"], &[], None).await?;
                session.output.list(&page, COLUMNS, "/id")
            }
            Self::Create { name, title } => {
                let body = json!({"name": name, "title": title.as_ref().unwrap_or(&name)});
                let account = session.client.post(&["v1", "accounts"], &body).await?;
                session.output.row(&account, COLUMNS, "/id")
            }
            Self::Show { name } => {
                let name = name.as_ref().unwrap_or(&session.account);
                session.output.one(&session.client.get(&["v1", "accounts", name], &[]).await?, "/id")
            }
            Self::Update(command) => command.run(session).await,
            Self::Delete { name } => {
                session.client.delete(&["v1", "accounts", &name], &[], None).await?;
                session.output.note(&format!("deleted {name}"))
            }
        }
    }
}

/// Change an account's title, or its name (operator)
#[derive(Args, Debug)]
pub(crate) struct UpdateAccount {
    /// Name or id
    name: String,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    /// Rename it (operator)
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// Only if the account is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl UpdateAccount {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut changes = Map::new();
        changes.extend(self.title.map(|title| ("title".to_owned(), json!(title))));
        changes.extend(self.new_name.map(|name| ("name".to_owned(), json!(name))));
        if changes.is_empty() {
            return Err(Failure::Usage("nothing to change: give --title or --name".to_owned()));
        }
        let path = ["v1", "accounts", &self.name];
        let account = session.client.patch(&path, &[], &Value::Object(changes), self.if_match.as_deref()).await?;
        session.output.row(&account, COLUMNS, "/id")
    }
}

const COLUMNS: &[Column] = &[("NAME", "/name"), ("TITLE", "/title"), ("CREATED", "/createdAt"), ("ID", "/id")];
