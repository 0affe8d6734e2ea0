//! What a narrowed token may deal with, where that depends on bindings.

use bursar_credentials::Credential;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::{Account, Caller, Error, Kind};

use crate::{Bindings, ConsumerSlot};

impl Bindings {
    /// The credential by id, whoever asks; `None` where it was purged.
    pub(crate) async fn credential(&self, account: AccountId, id: CredentialId) -> Result<Option<Credential>, Error> {
        Ok(self.credentials.records().get(account, id).await?.map(|found| found.credential))
    }

    /// Refuses a token that is narrowed to other consumers.
    pub(crate) async fn speaks_for(
        &self,
        caller: &Caller,
        account: &Account,
        place: &ConsumerSlot,
        action: Action,
    ) -> Result<(), Error> {
        if caller.scope.speaks_for(&place.consumer) {
            return Ok(());
        }
        let message = format!("this token is narrowed to other consumers than {}", place.consumer);
        Err(self.out_of_scope(caller, account, place, action, message).await)
    }

    /// Records a refusal at `place`. Returns it, or why it could not be recorded.
    pub(crate) async fn out_of_scope(
        &self,
        caller: &Caller,
        account: &Account,
        place: &ConsumerSlot,
        action: Action,
        message: String,
    ) -> Error {
        let (account, detail) = (Some(account.id), Some(detail(caller, place)));
        let event = Event { account, detail, ..self.kernel.authorizer.event(caller, action, Outcome::Denied) };
        match self.kernel.journal.record(event).await {
            Ok(()) => Error::new(Kind::Denied, message),
            Err(error) => error,
        }
    }
}

/// What events about a consumer and slot record of it.
pub(crate) fn detail(caller: &Caller, place: &ConsumerSlot) -> serde_json::Value {
    serde_json::json!({ "token": caller.token, "consumer": place.consumer, "slot": place.slot })
}
