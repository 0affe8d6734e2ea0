//! `bursar binding put`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Choose the credential that a consumer uses in a slot
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Put {
    /// Kind and name: `app:web`, `host:api.example.com`, `environment:staging`
    consumer: String,
    /// Where it is used: `image-pull`, `certificate`, ...
    slot: String,
    /// Name or id
    credential: String,
}

impl Put {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.path(&["bindings", &self.consumer, &self.slot]);
        let binding = session.client.put(&path, &json!({"credential": self.credential})).await?;
        session.output.row(&binding, super::COLUMNS, "/credential/id")
    }
}

const EXAMPLES: &str = "Examples:
  # The registry that an app's images are pulled from
  bursar binding put app:web image-pull ghcr";
