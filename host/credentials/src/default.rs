//! Choosing the default of an account and type.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::{Table, of_account};
use bursar_kernel::plugin::Ability;
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Authorizer, Caller, Error, Kind, Right, Violation, codec};

use crate::{Credential, Credentials, View, keys};

impl Credentials {
    /// Makes a credential its account's default for its type (S0-22).
    ///
    /// The default is one record per account and type, so that there is never
    /// more than one; the name's record must still be there, so that a credential
    /// deleted meanwhile does not become one.
    ///
    /// # Errors
    ///
    /// [`Kind::Unsupported`] where the type has no defaults.
    pub async fn set_default(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
    ) -> Result<View, Error> {
        let kernel = &self.kernel;
        let account =
            kernel.authorizer.authorize(caller, account, Right::SetDefault, Action::CredentialSetDefault).await?;
        let mut retry = kernel.journal.retry(&of_account(Table::Default, account.id));
        loop {
            retry.next().await?;
            let found = self.find_live(caller, &account, credential).await?;
            let type_id = found.credential.type_id.as_str();
            let of = kernel.ports.plugins().find(type_id);
            if !of.is_some_and(|of| of.manifest.has(Ability::Defaultable)) {
                let message = "Credentials of this type are never a default.";
                let violations = vec![Violation::new("", "unsupported", message)];
                return Err(Error { kind: Kind::Unsupported, ..Error::invalid(violations) });
            }
            let Some(name) = self.records.name_record(&found.credential).await? else { continue };
            let key = keys::default_of(kernel.ports.blind(), account.id, type_id);
            let batch = Batch::default()
                .put(key, Expect::Any, codec::encode(&found.credential.id)?)
                .require(name.key, Expect::At(name.revision))
                .event(promotion_event(&kernel.authorizer, caller, &found.credential));
            if retry.commit(batch).await?.is_some() {
                return self.view(caller, &account, found).await;
            }
        }
    }
}

/// The record of a promotion.
pub(crate) fn promotion_event(authorizer: &Authorizer, caller: &Caller, credential: &Credential) -> Event {
    Event {
        account: Some(credential.account),
        credential: Some(credential.id),
        ..authorizer.event(caller, Action::CredentialSetDefault, Outcome::Ok)
    }
}
