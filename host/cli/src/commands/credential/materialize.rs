//! `bursar credential materialize`

use bursar_domain::secret::SecretJson;
use clap::Args;
use serde_json::json;

use crate::delivery::Delivery;
use crate::failure::Failure;
use crate::session::Session;

/// Hand a credential out in one of its formats; the audit trail records it
///
/// Without `--out`, `--manifest` or `--artifact`, a format of a single file
/// goes to stdout.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Materialize {
    /// Name or id
    credential: String,
    /// A format of its type, as `bursar credential types` lists them [default: the first]
    #[arg(long)]
    format: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

impl Materialize {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        self.delivery.check()?;
        let body = self.format.as_ref().map_or_else(|| json!({}), |format| json!({"format": format}));
        let path = session.credential(&self.credential, &["materialize"]);
        let answer = SecretJson::new(session.client.post(&path, &body).await?);
        let name = if self.delivery.needs_name() { self.name(session).await? } else { self.credential };
        self.delivery.hand_out(session, &answer, &name)
    }

    /// The name, also where the command line has the id.
    async fn name(&self, session: &Session) -> Result<String, Failure> {
        if self.credential.parse::<uuid::Uuid>().is_err() {
            return Ok(self.credential.clone());
        }
        let credential = session.client.get(&session.credential(&self.credential, &[]), &[]).await?;
        Ok(credential["name"].as_str().unwrap_or(&self.credential).to_owned())
    }
}

const EXAMPLES: &str = "Examples:
  # Files for a web server
  bursar credential materialize my-cert --format pem --out /etc/ssl/my-cert

  # A Secret for a cluster
  bursar credential materialize ghcr --manifest --namespace prod | kubectl apply -f -

  # One file to stdout
  bursar credential materialize ghcr --format docker/config.json --artifact config.json";
