//! Showing secrets: the one way, and never unrecorded (S0-21, S0-47, D-3).

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::store::Batch;
use bursar_kernel::{Caller, Error, Kind, Operation, Violation};

use crate::{Credential, Credentials, Protocol, Way};

/// What was revealed.
#[derive(Debug)]
pub struct Revealed {
    /// Only the fields that were asked for, in their places.
    pub data: SecretJson,
    /// Of which version.
    pub version: u32,
}

impl Credentials {
    /// Reveals secret fields: those under `fields`, or all. Returns once the
    /// audit record is durable.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for one that was made not revealable, whoever asks;
    /// [`Kind::Invalid`] for a field that is no secret of it.
    pub async fn reveal(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        fields: Option<&[String]>,
    ) -> Result<Revealed, Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize_operation(caller, account, Operation::RevealCredential).await?;
        let credential = self.find_live(caller, &account, credential).await?.credential;
        let event = Event {
            account: Some(account.id),
            credential: Some(credential.id),
            version: Some(credential.version),
            ..kernel.authorizer.event(caller, Action::CredentialReveal, Outcome::Ok)
        };
        if !credential.revealable {
            kernel.journal.record(Event { outcome: Outcome::Denied, ..event }).await?;
            let message = "this credential was made not revealable: nobody may see its secrets";
            return Err(Error::new(Kind::Denied, message));
        }
        let unknown = unknown_fields(&credential, fields.unwrap_or_default());
        if !unknown.is_empty() {
            return Err(Error::invalid(unknown));
        }
        let asked = fields.map_or_else(|| credential.secret_pointers.clone(), <[String]>::to_vec);
        let data = self.records.secret_data(&credential, credential.version).await?.only(&asked);
        let detail = Some(serde_json::json!({ "token": caller.token, "fields": asked }));
        let way = Way { protocol: Protocol::Reveal, consumer: None, actor: caller.actor(), fallback: false };
        let batch = self.uses.note(Batch::default(), &credential, way).await?;
        kernel.ports.store().commit(batch.event(Event { detail, ..event })).await?;
        Ok(Revealed { data, version: credential.version })
    }
}

fn unknown_fields(credential: &Credential, fields: &[String]) -> Vec<Violation> {
    let unknown = fields.iter().enumerate().filter(|(_, field)| !credential.secret_pointers.contains(field));
    let known = credential.secret_pointers.join(", ");
    let message = format!("No such secret field: there are {known}.");
    unknown.map(|(index, _)| Violation::new(format!("/fields/{index}"), "unknown", message.clone())).collect()
}
