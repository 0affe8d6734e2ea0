//! `bursar credential probe`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Ask the live service whether a credential works
#[derive(Args, Debug)]
pub(crate) struct Probe {
    /// Name or id
    credential: String,
    /// For a DNS provider: whether a record could be written at this name
    #[arg(long, value_name = "NAME")]
    fqdn: Option<String>,
}

impl Probe {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let body = self.fqdn.as_ref().map_or_else(|| json!({}), |fqdn| json!({"fqdn": fqdn}));
        let path = session.credential(&self.credential, &["probe"]);
        session.output.one(&session.client.post(&path, &body).await?, "/summary")
    }
}
