//! `bursar dns present`

use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::session::{Session, warn};

/// Add a TXT record beside what is there, and wait until it is everywhere
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Present {
    /// Name or id of a DNS provider's credential
    credential: String,
    /// Where: `_acme-challenge.example.com`
    fqdn: String,
    /// The record's text
    value: String,
    /// How long resolvers may keep it, in seconds [default: 60]
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
}

impl Present {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut body = json!({"fqdn": self.fqdn, "value": self.value});
        if let Some(ttl) = self.ttl {
            body["ttlSeconds"] = json!(ttl);
        }
        let path = session.credential(&self.credential, &["dns", "present"]);
        let record = session.client.post(&path, &body).await?;
        if record["state"] == "pending" {
            warn("it is not yet at all of the provider's servers: run this again to look");
        }
        session.output.row(&record, super::COLUMNS, "/state")
    }
}

const EXAMPLES: &str = "Examples:
  # Answer a challenge, then take the record away again
  bursar dns present my-zone _acme-challenge.example.com gfj9Xq...Rg85nM
  bursar dns cleanup my-zone _acme-challenge.example.com gfj9Xq...Rg85nM";
