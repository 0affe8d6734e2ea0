//! Asking the live service whether a credential works.

use super::super::Broker;
use crate::access::{Caller, Right};
use crate::audit::{Action, Outcome};
use crate::id::Reference;
use crate::{Error, Kind, Violation};

impl Broker {
    /// Probes a credential. This version has no network plane, so that no type
    /// can be probed yet; the attempt is recorded.
    ///
    /// # Errors
    ///
    /// [`Kind::Unsupported`].
    pub async fn probe(&self, caller: &Caller, account: &Reference, credential: &Reference) -> Result<(), Error> {
        let account = self.authorize(caller, account, Right::Use, Action::CredentialProbe).await?;
        let credential = self.find_live(caller, &account, credential).await?.credential;
        let mut event = self.event(caller, Action::CredentialProbe, Outcome::Failed);
        event.account = Some(account.id);
        event.credential = Some(credential.id);
        event.version = Some(credential.version);
        self.record(event).await?;
        Err(cannot_be_probed(&credential.type_id))
    }
}

pub(super) fn cannot_be_probed(type_id: &str) -> Error {
    let message = format!("Credentials of type `{type_id}` cannot be probed.");
    let violations = vec![Violation::new("", "unsupported", message)];
    Error { kind: Kind::Unsupported, ..Error::invalid(violations) }
}
