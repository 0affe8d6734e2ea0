//! Showing secrets: the one way, and never unrecorded (S0-21, S0-47, D-3).

use super::super::Broker;
use crate::access::{Caller, Operation};
use crate::audit::{Action, Outcome};
use crate::binding::{Protocol, Way};
use crate::id::Reference;
use crate::secret::SecretJson;
use crate::store::Batch;
use crate::{Error, Kind, Violation};

/// What was revealed.
#[derive(Debug)]
pub struct Revealed {
    /// Only the fields that were asked for, in their places.
    pub data: SecretJson,
    /// Of which version.
    pub version: u32,
}

impl Broker {
    /// Reveals secret fields: those under `fields`, or all. Answers once the
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
        let account = self.authorize_operation(caller, account, Operation::RevealCredential).await?;
        let credential = self.find_live(caller, &account, credential).await?.credential;
        let mut event = self.event(caller, Action::CredentialReveal, Outcome::Ok);
        event.account = Some(account.id);
        event.credential = Some(credential.id);
        event.version = Some(credential.version);
        if !credential.revealable {
            event.outcome = Outcome::Denied;
            self.record(event).await?;
            return Err(Error::new(
                Kind::Denied,
                "this credential was made not revealable: nobody may see its secrets",
            ));
        }
        let unknown: Vec<Violation> = fields
            .unwrap_or_default()
            .iter()
            .enumerate()
            .filter(|(_, field)| !credential.secret_pointers.contains(field))
            .map(|(index, _)| {
                let known = credential.secret_pointers.join(", ");
                Violation::new(
                    format!("/fields/{index}"),
                    "unknown",
                    format!("No such secret field: there are {known}."),
                )
            })
            .collect();
        if !unknown.is_empty() {
            return Err(Error::invalid(unknown));
        }
        let asked = fields.map_or_else(|| credential.secret_pointers.clone(), <[String]>::to_vec);
        let data = self.secret_data(&credential, credential.version).await?.only(&asked);
        event.detail = Some(serde_json::json!({ "token": caller.token, "fields": asked }));
        let way = Way { protocol: Protocol::Reveal, consumer: None, actor: caller.actor(), fallback: false };
        let batch = self.note_use(Batch::default(), &credential, way).await?.event(event);
        self.store().commit(batch).await?;
        Ok(Revealed { data, version: credential.version })
    }
}
