//! `bursar binding ...`

use clap::Subcommand;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Bindings: which credential a consumer uses in a slot
#[derive(Debug, Subcommand)]
pub(crate) enum BindingCommand {
    /// List the account's bindings
    List {
        /// Only of this consumer, such as `app:web`
        #[arg(long)]
        consumer: Option<String>,
        /// Only in this slot, such as `image-pull`
        #[arg(long)]
        slot: Option<String>,
        /// Only to this credential, by name or id
        #[arg(long)]
        credential: Option<String>,
    },
    /// Choose the credential that a consumer uses in a slot
    #[command(after_help = PUT_EXAMPLES)]
    Put {
        /// Kind and name: `app:web`, `host:api.example.com`, `environment:staging`
        consumer: String,
        /// Where it is used: `image-pull`, `certificate`, ...
        slot: String,
        /// Name or id
        credential: String,
    },
    /// Remove a binding: the account's default is used again, if the slot has one
    Delete {
        /// Kind and name
        consumer: String,
        /// Where it is used
        slot: String,
    },
}

impl BindingCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::List { consumer, slot, credential } => {
                let filters = [("consumer", consumer), ("slot", slot), ("credential", credential)];
                let query: Vec<_> = filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let page = session.client.list(&session.path(&["bindings"]), &query, None).await?;
                session.output.list(&page, COLUMNS, "/credential/id")
            }
            Self::Put { consumer, slot, credential } => {
                let path = session.path(&["bindings", &consumer, &slot]);
                let binding = session.client.put(&path, &json!({"credential": credential})).await?;
                session.output.row(&binding, COLUMNS, "/credential/id")
            }
            Self::Delete { consumer, slot } => {
                session.client.delete(&session.path(&["bindings", &consumer, &slot]), &[], None).await?;
                session.output.note(&format!("unbound {consumer} in {slot}"))
            }
        }
    }
}

const COLUMNS: &[Column] = &[
    ("CONSUMER", "/consumer"),
    ("SLOT", "/slot"),
    ("CREDENTIAL", "/credential/name"),
    ("TYPE", "/credential/type"),
    ("BY", "/by"),
    ("UPDATED", "/updatedAt"),
];

const PUT_EXAMPLES: &str = "Examples:
  # The registry that an app's images are pulled from
  bursar binding put app:web image-pull ghcr";
