//! `bursar dns cleanup`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::Session;

/// Remove one value of a TXT record and no other; absent is as good as removed
#[derive(Args, Debug)]
pub(crate) struct Cleanup {
    /// Name or id of a DNS provider's credential
    credential: String,
    /// Where: `_acme-challenge.example.com`
    fqdn: String,
    /// The one value to be removed
    value: String,
}

impl Cleanup {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &["dns", "cleanup"]);
        session.client.post(&path, &json!({"fqdn": self.fqdn, "value": self.value})).await?;
        session.output.note(&format!("removed {}", self.fqdn))
    }
}
