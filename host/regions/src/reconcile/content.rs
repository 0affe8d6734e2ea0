//! What should be there, materialized; and how contents are told apart.

use bursar_credentials::{Credential, CredentialRecords};
use bursar_kernel::plugin::{Artifact, PluginError, code};
use bursar_kernel::{Error, Kernel};
use zeroize::Zeroizing;

use super::decide::SeenContent;
use super::desired::Spec;
use crate::{Seen, TargetError};

/// Content, ready to be put somewhere.
pub(crate) struct Materialized {
    pub(crate) artifacts: Vec<Artifact>,
    /// Keyed fingerprint.
    pub(crate) fingerprint: String,
}

/// Makes what should be there, and tells contents apart.
pub(crate) struct Materializer {
    kernel: Kernel,
    records: CredentialRecords,
}

impl Materializer {
    pub(super) fn new(kernel: &Kernel) -> Self {
        Self { records: CredentialRecords::new(kernel.ports.clone()), kernel: kernel.clone() }
    }

    /// Materializes what should be there. It does not leave the host by that.
    pub(crate) async fn materialize(
        &self,
        credential: &Credential,
        spec: &Spec,
    ) -> Result<Result<Materialized, TargetError>, Error> {
        let data = self.records.secret_data(credential, credential.version).await?;
        let mut artifacts: Vec<Artifact> = Vec::new();
        for format in &spec.formats {
            let context = self.records.materialize_context(credential, format);
            let plugins = self.kernel.ports.plugins();
            let made = match plugins.materialize(&credential.type_id, &data, format, &context).await {
                Ok(made) => made,
                Err(error) => return Ok(Err(plugin_failed(&error))),
            };
            for artifact in made {
                match artifacts.iter().find(|known| known.name == artifact.name) {
                    None => artifacts.push(artifact),
                    Some(known) if known.content == artifact.content => {}
                    Some(_) => {
                        let what = format!(
                            "the formats {} make different files called `{}`: choose one of them",
                            spec.formats.join(", "),
                            artifact.name
                        );
                        return Ok(Err(TargetError::Invalid(what)));
                    }
                }
            }
        }
        let fingerprint = self.fingerprint_of(artifacts.iter().map(|of| (of.name.as_str(), of.content.as_slice())));
        Ok(Ok(Materialized { artifacts, fingerprint }))
    }

    /// What was seen, with contents told apart by fingerprints alone.
    pub(crate) fn seen_content(&self, seen: Result<Seen, TargetError>) -> SeenContent {
        match seen {
            Ok(Seen::Nothing) => SeenContent::Nothing,
            Ok(Seen::Ours(files)) => SeenContent::Ours(self.content_fingerprint(&files)),
            Ok(Seen::Foreign(_)) => SeenContent::Foreign,
            Ok(Seen::CannotTell) => SeenContent::CannotTell,
            Err(error) => SeenContent::Failed(error),
        }
    }

    /// Keyed fingerprint of what was seen at a target.
    pub(crate) fn content_fingerprint(&self, files: &[(String, Zeroizing<Vec<u8>>)]) -> String {
        self.fingerprint_of(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())))
    }

    fn fingerprint_of<'a>(&self, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
        let mut files: Vec<_> = files.collect();
        files.sort_unstable();
        let mut all = Zeroizing::new(Vec::new());
        for part in files.iter().flat_map(|(name, content)| [name.as_bytes(), content]) {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part);
        }
        fingerprint(&self.kernel.ports.blind().digest("sync-content", &all))
    }
}

/// A plugin's failure, as the row reports it.
fn plugin_failed(error: &PluginError) -> TargetError {
    TargetError::Failed(format!("the plugin could not make the files ({}): {error}", code(error)))
}

/// Half of a keyed digest, in hex: enough to tell contents apart.
pub(super) fn fingerprint(digest: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    digest[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
