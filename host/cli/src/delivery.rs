//! Where a credential's files go: a folder, a Kubernetes Secret, stdout.

use std::path::PathBuf;

use bursar_kernel::secret::SecretJson;
use clap::Args;

use crate::artifact::{self, Artifact};
use crate::failure::Failure;
use crate::output::Format;
use crate::session::Session;

/// How to deliver the files.
#[derive(Args, Debug)]
pub(crate) struct Delivery {
    /// Write the files into this folder, created with mode 0700; files get 0600
    #[arg(long, visible_alias = "output-dir", value_name = "DIR", group = "where")]
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

impl Delivery {
    /// Whether a destination was given.
    pub(crate) fn is_chosen(&self) -> bool {
        self.out.is_some() || self.manifest || self.artifact.is_some()
    }

    /// Validates the options before the broker hands anything out.
    ///
    /// # Errors
    ///
    /// If a name is not valid in Kubernetes.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.secret_name.iter().chain(&self.namespace).find(|name| !artifact::is_dns_name(name)) {
            Some(name) => Err(Failure::Usage(format!("`{name}` is not a DNS-1123 name"))),
            None => Ok(()),
        }
    }

    /// Whether [`Delivery::deliver`] uses the credential's name.
    pub(crate) fn needs_name(&self) -> bool {
        self.manifest && self.secret_name.is_none()
    }

    /// Delivers the files in the broker's response for the credential `name`.
    ///
    /// # Errors
    ///
    /// If a file cannot be written, or several files would go to stdout.
    pub(crate) fn deliver(&self, session: &Session, answer: &SecretJson, name: &str) -> Result<(), Failure> {
        let artifacts = artifact::artifacts(answer.expose())?;
        if let Some(folder) = &self.out {
            for path in artifact::write(&artifacts, folder)? {
                session.output.note(&path.display().to_string())?;
            }
            return Ok(());
        }
        if self.manifest {
            let format = answer.expose()["format"].as_str().unwrap_or_default();
            let name = self.secret_name.clone().unwrap_or_else(|| artifact::dns_name(name));
            let secret = SecretJson::new(artifact::secret(&artifacts, format, &name, self.namespace.as_deref()));
            return session.output.document(secret.expose());
        }
        if self.artifact.is_none() && session.output.format() != Format::Table {
            return session.output.document(answer.expose());
        }
        session.output.raw(&self.choose(&artifacts)?.content)
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
