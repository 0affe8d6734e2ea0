//! Reading one credential, as much of it as the caller may see.

use bursar_kernel::audit::Action;
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::keys::Table;
use bursar_kernel::{Account, Caller, Consumer, Error, Kind, Right, codec};

use crate::{Credential, Credentials, Extras, Found, View, keys, not_found};

impl Credentials {
    /// One credential, as much of it as the caller may see.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] also for what another account owns, and for what the
    /// token's scope leaves out.
    pub async fn get(&self, caller: &Caller, account: &Reference, credential: &Reference) -> Result<View, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::List, Action::CredentialRead).await?;
        let found = self.find(caller, &account, credential).await?;
        self.view(caller, &account, found).await
    }

    /// The credential by id (deleted ones too) or by name (live ones), where it is
    /// within the caller's scope.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`].
    pub async fn find(&self, caller: &Caller, account: &Account, credential: &Reference) -> Result<Found, Error> {
        let found = self.records.find(account.id, credential).await?.ok_or_else(not_found)?;
        if self.is_within_scope(caller, &found.credential).await? { Ok(found) } else { Err(not_found()) }
    }

    /// The same, but a deleted one is a conflict: it cannot be used or changed.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], [`Kind::Conflict`].
    pub async fn find_live(&self, caller: &Caller, account: &Account, credential: &Reference) -> Result<Found, Error> {
        let found = self.find(caller, account, credential).await?;
        if found.credential.deleted_at.is_some() {
            return Err(Error::new(Kind::Conflict, "the credential is deleted: restore it first"));
        }
        Ok(found)
    }

    /// Whether the caller's token reaches a credential: it names it, or one of the
    /// consumers it is narrowed to uses it.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn is_within_scope(&self, caller: &Caller, credential: &Credential) -> Result<bool, Error> {
        if caller.scope.admits(&credential.scoped()) {
            return Ok(true);
        }
        let consumers: Vec<_> = caller.scope.consumers.iter().filter_map(|text| Consumer::parse(text).ok()).collect();
        if consumers.is_empty() {
            return Ok(false);
        }
        for area in &self.dependents {
            if area.is_used_by(credential, &consumers).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The view of a credential.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn view(&self, caller: &Caller, account: &Account, found: Found) -> Result<View, Error> {
        let (store, blind) = (self.kernel.ports.store(), self.kernel.ports.blind());
        let credential = &found.credential;
        let default = store.get(&keys::default_of(blind, account.id, &credential.type_id)).await?;
        let is_default = default.as_ref().map(codec::decode::<CredentialId>).transpose()? == Some(credential.id);
        let usage = store.get(&keys::for_credential(credential, Table::Usage)).await?;
        let last_used_at = usage.as_ref().map(codec::decode).transpose()?;
        let mut extras = [Extras { is_default, last_used_at, ..Extras::default() }];
        self.describe(caller, account, &[credential], &mut extras, false).await?;
        let [extras] = extras;
        Ok(self.assemble(caller, account, found, extras))
    }

    /// Adds what other areas know of credentials.
    pub(crate) async fn describe(
        &self,
        caller: &Caller,
        account: &Account,
        credentials: &[&Credential],
        extras: &mut [Extras],
        new: bool,
    ) -> Result<(), Error> {
        for area in &self.dependents {
            area.describe(caller, account, credentials, extras, new).await?;
        }
        Ok(())
    }

    pub(crate) fn assemble(&self, caller: &Caller, account: &Account, found: Found, extras: Extras) -> View {
        let Found { credential, revision } = found;
        let Extras { is_default, last_used_at, records, consumers, sync } = extras;
        let now = self.kernel.ports.now();
        let of = self.kernel.ports.plugins().find(&credential.type_id);
        View {
            revision,
            is_default: is_default && credential.deleted_at.is_none(),
            last_used_at,
            status: credential.status(now),
            warnings: credential.warnings(now, of.as_deref().map(|of| &of.manifest), records, consumers),
            sync,
            account_name: account.name.to_string(),
            full: caller.may(Right::Read, account.id) == Some(true),
            bindable: caller.may(Right::Bind, account.id) == Some(true) && caller.may_bind(&credential.scoped()),
            credential,
        }
    }
}
