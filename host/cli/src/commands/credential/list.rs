//! `bursar credential list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the account's credentials, never their secrets
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE")]
    type_id: Option<String>,
    /// Only of this category
    #[arg(long)]
    category: Option<String>,
    /// Only what fits this slot, such as `image-pull`
    #[arg(long)]
    slot: Option<String>,
    /// Only with this label. Repeatable
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Only where name, title or description hold this text
    #[arg(long = "query", visible_alias = "q", value_name = "TEXT")]
    text: Option<String>,
    /// Only deleted ones, which can be restored
    #[arg(long)]
    deleted: bool,
    /// At most this many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut query = Vec::new();
        query.extend(self.type_id.map(|id| ("type", id)));
        query.extend(self.category.map(|category| ("category", category)));
        query.extend(self.slot.map(|slot| ("slot", slot)));
        query.extend(self.labels.into_iter().map(|label| ("label", label)));
        query.extend(self.text.map(|text| ("q", text)));
        if self.deleted {
            query.push(("deleted", "true".to_owned()));
        }
        let page = session.client.list(&session.path(&["credentials"]), &query, self.limit).await?;
        session.output.list(&page, super::COLUMNS, "/id")
    }
}
