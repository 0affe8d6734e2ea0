//! Bringing a deleted credential back.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::{Table, of_account};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Caller, Error, Kind, Right, codec, name_taken};

use crate::default::promotion_event;
use crate::{Credential, Deletions, Found, View, announce, keys};

impl Deletions {
    /// Brings a deleted credential back under its name, and as the default where
    /// it was that and there is none since.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where it is not deleted, or the name is taken by now.
    pub async fn restore(&self, caller: &Caller, account: &Reference, credential: &Reference) -> Result<View, Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize(caller, account, Right::Write, Action::CredentialRestore).await?;
        let mut retry = kernel.journal.retry(&of_account(Table::Credential, account.id));
        loop {
            retry.next().await?;
            let found = self.credentials.find(caller, &account, credential).await?;
            if found.credential.deleted_at.is_none() {
                return Err(Error::new(Kind::Conflict, "the credential is not deleted"));
            }
            if self.records.name_record(&found.credential).await?.is_some() {
                return Err(name_taken());
            }
            let restored = Credential { deleted_at: None, updated_at: kernel.ports.now(), ..found.credential };
            let name_key = keys::credential_name(kernel.ports.blind(), account.id, restored.name.as_str());
            let key = keys::for_credential(&restored, Table::Credential);
            let batch = Batch::default()
                .put(key, Expect::At(found.revision), codec::encode(&restored)?)
                .put(name_key, Expect::Absent, codec::encode(&restored.id)?)
                .event(Event {
                    account: Some(account.id),
                    credential: Some(restored.id),
                    version: Some(restored.version),
                    ..kernel.authorizer.event(caller, Action::CredentialRestore, Outcome::Ok)
                });
            let (mut batch, promoted) = self.defaults.promote_restored(batch, &restored).await?;
            if promoted {
                batch = batch.event(promotion_event(&kernel.authorizer, caller, &restored));
            }
            if let Some(revision) = retry.commit(batch).await? {
                announce(&kernel.ports, &restored, "restored");
                return self.credentials.view(caller, &account, Found { credential: restored, revision }).await;
            }
        }
    }
}
