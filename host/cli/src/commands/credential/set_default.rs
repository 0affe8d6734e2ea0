//! `bursar credential set-default`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Make a credential the account's default of its type
#[derive(Args, Debug)]
pub(crate) struct SetDefault {
    /// Name or id
    credential: String,
}

impl SetDefault {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &["set-default"]);
        super::written(session, &session.client.post(&path, &json!({})).await?)
    }
}
