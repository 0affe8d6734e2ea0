//! `bursar credential restore`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Bring a deleted credential back
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// Its id, as `bursar credential list --deleted` shows
    credential: String,
}

impl Restore {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &["restore"]);
        super::written(session, &session.client.post(&path, &json!({})).await?)
    }
}
