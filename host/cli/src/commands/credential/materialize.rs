//! `bursar credential materialize`

use std::path::PathBuf;

use bursar_domain::secret::SecretJson;
use clap::Args;
use serde_json::json;

use crate::artifact::{self, Artifact};
use crate::failure::Failure;
use crate::output::Format;
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
    /// Write the files into this folder, made with mode 0700; files get 0600
    #[arg(long, value_name = "DIR", group = "where")]
    out: Option<PathBuf>,
    /// Print a Kubernetes Secret
    #[arg(long, group = "where")]
    manifest: bool,
    /// Print only this file, byte by byte
    #[arg(long, value_name = "NAME", group = "where")]
    artifact: Option<String>,
    /// The Secret's namespace
    #[arg(long, requires = "manifest")]
    namespace: Option<String>,
    /// The Secret's name [default: the credential's, as a DNS-1123 name]
    #[arg(long, value_name = "NAME", requires = "manifest")]
    secret_name: Option<String>,
}

impl Materialize {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        if let Some(name) =
            self.secret_name.as_ref().or(self.namespace.as_ref()).filter(|name| !artifact::is_dns_name(name))
        {
            return Err(Failure::Usage(format!("`{name}` is not a DNS-1123 name")));
        }
        let body = self.format.as_ref().map_or_else(|| json!({}), |format| json!({"format": format}));
        let path = session.credential(&self.credential, &["materialize"]);
        let answer = SecretJson::new(session.client.post(&path, &body).await?);
        let artifacts = artifact::artifacts(answer.expose())?;
        if let Some(folder) = &self.out {
            for path in artifact::write(&artifacts, folder)? {
                session.output.note(&path.display().to_string())?;
            }
            return Ok(());
        }
        if self.manifest {
            let format = answer.expose()["format"].as_str().unwrap_or_default();
            return self.print_manifest(session, &artifacts, format).await;
        }
        if self.artifact.is_none() && session.output.format() != Format::Table {
            return session.output.document(answer.expose());
        }
        session.output.raw(&self.choose(&artifacts)?.content)
    }

    async fn print_manifest(&self, session: &Session, artifacts: &[Artifact], format: &str) -> Result<(), Failure> {
        let name = match &self.secret_name {
            Some(name) => name.clone(),
            None => artifact::dns_name(&self.credential_name(session).await?),
        };
        let secret = SecretJson::new(artifact::secret(artifacts, format, &name, self.namespace.as_deref()));
        session.output.document(secret.expose())
    }

    /// The name, also where the command line has the id.
    async fn credential_name(&self, session: &Session) -> Result<String, Failure> {
        if self.credential.parse::<uuid::Uuid>().is_err() {
            return Ok(self.credential.clone());
        }
        let credential = session.client.get(&session.credential(&self.credential, &[]), &[]).await?;
        Ok(credential["name"].as_str().unwrap_or(&self.credential).to_owned())
    }

    fn choose<'a>(&self, artifacts: &'a [Artifact]) -> Result<&'a Artifact, Failure> {
        let names = || artifacts.iter().map(|artifact| artifact.name.as_str()).collect::<Vec<_>>().join(", ");
        match (&self.artifact, artifacts) {
            (None, [one]) => Ok(one),
            (None, _) => Err(Failure::Usage(format!(
                "there are several files ({}): use --out, --manifest or --artifact",
                names()
            ))),
            (Some(wanted), _) => artifacts
                .iter()
                .find(|artifact| artifact.name == *wanted)
                .ok_or_else(|| Failure::Usage(format!("there is no file `{wanted}`, only: {}", names()))),
        }
    }
}

const EXAMPLES: &str = "Examples:
  # Files for a web server
  bursar credential materialize my-cert --format pem --out /etc/ssl/my-cert

  # A Secret for a cluster
  bursar credential materialize ghcr --manifest --namespace prod | kubectl apply -f -

  # One file to stdout
  bursar credential materialize ghcr --format docker/config.json --artifact config.json";
