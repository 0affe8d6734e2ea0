//! `bursar dns ...`

use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Column;
use crate::session::{Session, warn};

/// Answer DNS challenges with a stored credential of a DNS provider
#[derive(Debug, Subcommand)]
pub(crate) enum DnsCommand {
    Present(PresentRecord),
    /// Remove one value of a TXT record and no other; it may be gone already
    Cleanup {
        /// Name or id of a DNS provider's credential
        credential: String,
        /// Where: `_acme-challenge.example.com`
        fqdn: String,
        /// The value to remove
        value: String,
    },
    /// List the records made with a credential
    List {
        /// Name or id of a DNS provider's credential
        credential: String,
    },
    /// List the DNS providers whose credentials can be stored, or show one
    Providers {
        /// Show only this provider; its schema with `--output json`
        provider: Option<String>,
    },
}

impl DnsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Present(command) => command.run(session).await,
            Self::Cleanup { credential, fqdn, value } => {
                let path = session.credential(&credential, &["dns", "cleanup"]);
                session.client.post(&path, &json!({"fqdn": fqdn, "value": value})).await?;
                session.output.note(&format!("removed {fqdn}"))
            }
            Self::List { credential } => {
                let page = session.client.list(&session.credential(&credential, &["dns"]), &[], None).await?;
                session.output.list(&page, RECORDS, "/fqdn")
            }
            Self::Providers { provider: Some(id) } => {
                session.output.one(&session.client.get(&["v1", "dns-providers", &id], &[]).await?, "/id")
            }
            Self::Providers { provider: None } => {
                let page = session.client.list(&["v1", "dns-providers"], &[], None).await?;
                session.output.list(&page, PROVIDERS, "/id")
            }
        }
    }
}

/// Add a TXT record, and wait until it is on all of the provider's servers
#[derive(Args, Debug)]
#[command(after_help = PRESENT_EXAMPLES)]
pub(crate) struct PresentRecord {
    /// Name or id of a DNS provider's credential
    credential: String,
    /// Where: `_acme-challenge.example.com`
    fqdn: String,
    /// The record's value
    value: String,
    /// How long resolvers may keep it, in seconds [default: 60]
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
}

impl PresentRecord {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let mut body = json!({"fqdn": self.fqdn, "value": self.value});
        if let Some(ttl) = self.ttl {
            body["ttlSeconds"] = json!(ttl);
        }
        let path = session.credential(&self.credential, &["dns", "present"]);
        let record = session.client.post(&path, &body).await?;
        if record["state"] == "pending" {
            warn("the record is not on all of the provider's servers yet: run this again to check");
        }
        session.output.row(&record, RECORDS, "/state")
    }
}

const RECORDS: &[Column] = &[
    ("NAME", "/fqdn"),
    ("VALUE", "/value"),
    ("STATE", "/state"),
    ("TTL", "/ttlSeconds"),
    ("SINCE", "/since"),
    ("BY", "/by"),
];
const PROVIDERS: &[Column] =
    &[("PROVIDER", "/id"), ("TYPE", "/type"), ("TITLE", "/title"), ("VERSION", "/version"), ("VARIANTS", "/variants")];

const PRESENT_EXAMPLES: &str = "Examples:
  # Answer a challenge, then take the record away again
  bursar dns present my-zone _acme-challenge.example.com gfj9Xq...Rg85nM
  bursar dns cleanup my-zone _acme-challenge.example.com gfj9Xq...Rg85nM";
