//! `bursar binding list`

use clap::Args;

use crate::failure::Failure;
use crate::session::Session;

/// List the account's bindings
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only of this consumer, such as `app:web`
    #[arg(long)]
    consumer: Option<String>,
    /// Only in this slot, such as `image-pull`
    #[arg(long)]
    slot: Option<String>,
    /// Only to this credential, by name or id
    #[arg(long)]
    credential: Option<String>,
}

impl List {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut query = Vec::new();
        query.extend(self.consumer.map(|consumer| ("consumer", consumer)));
        query.extend(self.slot.map(|slot| ("slot", slot)));
        query.extend(self.credential.map(|credential| ("credential", credential)));
        let page = session.client.list(&session.path(&["bindings"]), &query, None).await?;
        session.output.list(&page, super::COLUMNS, "/credential/id")
    }
}
