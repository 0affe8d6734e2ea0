//! Handing a credential out in the form its user expects.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::plugin::{Artifact, CredentialType};
use bursar_kernel::store::Batch;
use bursar_kernel::{Caller, Error, Operation, Violation};

use crate::{Credential, Credentials, Protocol, Way};

/// The files.
pub struct Materialized {
    /// In which format.
    pub format: String,
    /// Of which version.
    pub version: u32,
    /// At least one.
    pub artifacts: Vec<Artifact>,
}

impl Credentials {
    /// Materializes a credential: in `format`, or in its type's first. Returns
    /// once the audit record is durable.
    ///
    /// # Errors
    ///
    /// [`bursar_kernel::Kind::Invalid`] for a format the type does not have; what
    /// the plugin reports; a failure is recorded too.
    pub async fn materialize(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        format: Option<&str>,
    ) -> Result<Materialized, Error> {
        let authorizer = &self.kernel.authorizer;
        let account = authorizer.authorize_operation(caller, account, Operation::MaterializeCredential).await?;
        let credential = self.find_live(caller, &account, credential).await?.credential;
        let event = authorizer.event(caller, Action::CredentialMaterialize, Outcome::Ok);
        let way = Way { protocol: Protocol::Materialize, consumer: None, actor: caller.actor(), fallback: false };
        self.hand_out(&credential, format, event, way).await
    }

    /// The same for a credential that may be handed out: `event` reports it,
    /// `way` is noted as its use.
    ///
    /// # Errors
    ///
    /// As for [`Credentials::materialize`].
    pub async fn hand_out(
        &self,
        credential: &Credential,
        format: Option<&str>,
        event: Event,
        way: Way,
    ) -> Result<Materialized, Error> {
        let plugins = self.kernel.ports.plugins();
        let type_id = credential.type_id.as_str();
        let of = plugins.find(type_id).ok_or_else(|| self.forms.type_not_loaded(type_id))?;
        let format = format_of(&of, format)?;
        let data = self.records.secret_data(credential, credential.version).await?;
        let context = self.records.materialize_context(credential, format);
        let answer = plugins.materialize(type_id, &data, format, &context).await;

        let mut event = Event {
            account: Some(credential.account),
            credential: Some(credential.id),
            version: Some(credential.version),
            plugin: Some(format!("{}@{}", of.manifest.id, of.digest)),
            ..event
        };
        if let Some(detail) = &mut event.detail {
            detail["format"] = serde_json::json!(format);
        }
        match answer {
            Ok(artifacts) => {
                let batch = self.uses.note(Batch::default(), credential, way).await?.event(event);
                self.kernel.ports.store().commit(batch).await?;
                Ok(Materialized { format: format.to_owned(), version: credential.version, artifacts })
            }
            Err(error) => {
                self.kernel.journal.record(Event { outcome: Outcome::Failed, ..event }).await?;
                Err(error.into())
            }
        }
    }
}

/// The format that is asked for, or the type's first.
fn format_of<'a>(of: &'a CredentialType, asked: Option<&'a str>) -> Result<&'a str, Error> {
    let formats = &of.manifest.formats;
    let first = formats.first().map(|format| format.id.as_str());
    asked.or(first).filter(|format| of.manifest.format(format).is_some()).ok_or_else(|| {
        let known: Vec<&str> = formats.iter().map(|format| format.id.as_str()).collect();
        let message = format!("This type has no such format: choose one of {}.", known.join(", "));
        Error::invalid(vec![Violation::new("/format", "unknown", message)])
    })
}
