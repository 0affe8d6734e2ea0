//! Handing a credential out in the form its user expects.

use super::super::Broker;
use crate::access::{Caller, Operation};
use crate::audit::{Action, Event, Outcome};
use crate::binding::{Protocol, Way};
use crate::credential::Credential;
use crate::id::Reference;
use crate::plugin::{Artifact, Context};
use crate::store::Batch;
use crate::{Error, Violation};

/// The files.
pub struct Materialized {
    /// In which format.
    pub format: String,
    /// Of which version.
    pub version: u32,
    /// At least one.
    pub artifacts: Vec<Artifact>,
}

impl Broker {
    /// Materializes a credential: in `format`, or in its type's first. Answers
    /// once the audit record is durable.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::Invalid`] for a format the type does not have; what the
    /// plugin says; a failure is recorded too.
    pub async fn materialize(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        format: Option<&str>,
    ) -> Result<Materialized, Error> {
        let account = self.authorize_operation(caller, account, Operation::MaterializeCredential).await?;
        let credential = self.find_live(caller, &account, credential).await?.credential;
        let event = self.event(caller, Action::CredentialMaterialize, Outcome::Ok);
        let way = Way { protocol: Protocol::Materialize, consumer: None, actor: caller.actor(), fallback: false };
        self.hand_out(&credential, format, event, way).await
    }

    /// The same for a credential that may be handed out: `event` tells of it,
    /// `way` is noted as its use.
    pub(in super::super) async fn hand_out(
        &self,
        credential: &Credential,
        format: Option<&str>,
        mut event: Event,
        way: Way,
    ) -> Result<Materialized, Error> {
        let of = self.plugins().find(&credential.type_id).ok_or_else(|| self.type_not_loaded(&credential.type_id))?;
        let first = of.manifest.formats.first().map(|format| format.id.as_str());
        let known = format.or(first).filter(|format| of.manifest.format(format).is_some());
        let Some(format) = known else {
            let formats: Vec<&str> = of.manifest.formats.iter().map(|format| format.id.as_str()).collect();
            let message = format!("This type has no such format: choose one of {}.", formats.join(", "));
            return Err(Error::invalid(vec![Violation::new("/format", "unknown", message)]));
        };
        let data = self.secret_data(credential, credential.version).await?;
        let context = self.materialize_context(credential, format);
        let answer = self.plugins().materialize(&credential.type_id, &data, format, &context).await;

        event.account = Some(credential.account);
        event.credential = Some(credential.id);
        event.version = Some(credential.version);
        event.plugin = Some(format!("{}@{}", of.manifest.id, of.digest));
        if let Some(detail) = &mut event.detail {
            detail["format"] = serde_json::json!(format);
        }
        match answer {
            Ok(artifacts) => {
                let batch = self.note_use(Batch::default(), credential, way).await?.event(event);
                self.store().commit(batch).await?;
                Ok(Materialized { format: format.to_owned(), version: credential.version, artifacts })
            }
            Err(error) => {
                event.outcome = Outcome::Failed;
                self.record(event).await?;
                Err(error.into())
            }
        }
    }

    /// The same version in the same format is made from the same seed, so that
    /// a salted file does not change until the credential does.
    pub(in super::super) fn materialize_context(&self, credential: &Credential, format: &str) -> Context {
        let about = format!("{}\n{}\n{}\n{format}", credential.id, credential.version, credential.type_id);
        Context {
            account: Some(credential.account),
            name: credential.name.to_string(),
            version: credential.version,
            seed: self.blind().digest("materialize-seed", about.as_bytes()),
            options: serde_json::json!({}),
        }
    }
}
