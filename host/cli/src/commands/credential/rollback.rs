//! `bursar credential rollback`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Give a credential the data of an earlier version, as a new version
#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// Name or id
    credential: String,
    /// Whose data to take, as `bursar credential versions` lists them
    version: u32,
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let version = self.version.to_string();
        let path = session.credential(&self.credential, &["versions", &version, "restore"]);
        super::written(session, &session.client.post(&path, &json!({})).await?)
    }
}
