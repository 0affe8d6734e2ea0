//! The default of an account and type.

use super::super::accounts::overtaken;
use super::super::{Broker, codec};
use crate::access::{Caller, Right};
use crate::audit::{Action, Outcome};
use crate::credential::View;
use crate::id::Reference;
use crate::keys::{self, Table};
use crate::plugin::Ability;
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, Kind, Violation};

impl Broker {
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
        let account = self.authorize(caller, account, Right::SetDefault, Action::CredentialSetDefault).await?;
        let mut attempts = self.attempts(&keys::of_account(Table::Default, account.id));
        while attempts.again().await {
            let found = self.find_live(caller, &account, credential).await?;
            let type_id = found.credential.type_id.as_str();
            let defaultable = self.plugins().find(type_id).is_some_and(|of| of.manifest.has(Ability::Defaultable));
            if !defaultable {
                let message = "Credentials of this type are never a default.";
                let violations = vec![Violation::new("", "unsupported", message)];
                return Err(Error { kind: Kind::Unsupported, ..Error::invalid(violations) });
            }
            let Some(name) = self.name_record(&found.credential).await? else { continue };
            let mut event = self.event(caller, Action::CredentialSetDefault, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(found.credential.id);
            let batch = Batch::default()
                .put(
                    keys::default_of(self.blind(), account.id, type_id),
                    Expect::Any,
                    codec::encode(&found.credential.id)?,
                )
                .require(name.key, Expect::At(name.revision))
                .event(event);
            match self.store().commit(batch).await {
                Ok(_) => return self.view(caller, &account, found).await,
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }
}
