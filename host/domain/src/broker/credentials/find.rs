//! Reading one credential.

use jiff::Timestamp;

use super::super::{Broker, codec, keys_for};
use crate::access::{Account, Caller, Right};
use crate::audit::Action;
use crate::credential::{Credential, SyncRow, View};
use crate::id::{CredentialId, Reference};
use crate::keys::{self, Table};
use crate::secret::SecretJson;
use crate::store::{Record, Revision};
use crate::{Error, Kind};

/// A credential and the revision it was read at.
#[derive(Clone)]
pub(in super::super) struct Found {
    pub(in super::super) credential: Credential,
    pub(in super::super) revision: Revision,
}

/// What is kept beside a credential.
#[derive(Clone, Default)]
pub(super) struct Kept {
    pub(super) is_default: bool,
    pub(super) last_used_at: Option<Timestamp>,
    /// DNS records it has somewhere, counted for deleted ones alone.
    pub(super) records: usize,
    /// Consumers that are bound to it.
    pub(super) consumers: usize,
    /// How it stands in regions.
    pub(super) sync: Vec<SyncRow>,
}

impl Broker {
    /// One credential, as much of it as the caller may see.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] also for what another account owns, and for what the
    /// token's scope leaves out.
    pub async fn credential(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
    ) -> Result<View, Error> {
        let account = self.authorize(caller, account, Right::List, Action::CredentialRead).await?;
        let found = self.find(caller, &account, credential).await?;
        self.view(caller, &account, found).await
    }

    /// The record by id (deleted ones too) or by name (live ones).
    pub(in super::super) async fn find(
        &self,
        caller: &Caller,
        account: &Account,
        credential: &Reference,
    ) -> Result<Found, Error> {
        let id = match credential {
            Reference::Id(id) => CredentialId(*id),
            Reference::Name(name) => {
                let key = keys::credential_name(self.blind(), account.id, name);
                let index = self.store().get(&key).await?.ok_or_else(not_found)?;
                codec::decode(&index)?
            }
        };
        let key = keys::of_credential(Table::Credential, account.id, id);
        let record = self.store().get(&key).await?.ok_or_else(not_found)?;
        let credential: Credential = codec::decode(&record)?;
        if !self.is_within_scope(caller, &credential).await? {
            return Err(not_found());
        }
        Ok(Found { credential, revision: record.revision })
    }

    /// The same, but a deleted one is a conflict: it cannot be used or changed.
    pub(in super::super) async fn find_live(
        &self,
        caller: &Caller,
        account: &Account,
        credential: &Reference,
    ) -> Result<Found, Error> {
        let found = self.find(caller, account, credential).await?;
        if found.credential.deleted_at.is_some() {
            return Err(Error::new(Kind::Conflict, "the credential is deleted: restore it first"));
        }
        Ok(found)
    }

    /// Adds what is kept beside the record.
    pub(in super::super) async fn view(&self, caller: &Caller, account: &Account, found: Found) -> Result<View, Error> {
        let credential = found.credential;
        let default = self.store().get(&keys::default_of(self.blind(), account.id, &credential.type_id)).await?;
        let is_default = default.as_ref().map(codec::decode::<CredentialId>).transpose()? == Some(credential.id);
        let usage = self.store().get(&keys_for(&credential, Table::Usage)).await?;
        let last_used_at = usage.as_ref().map(codec::decode).transpose()?;
        // A live credential can still remove its records; they are no worry then.
        let records = if credential.deleted_at.is_some() { self.records_of(&credential).await?.len() } else { 0 };
        let consumers = self.count_consumers(&credential).await?;
        let sync = self.sync_rows(&self.standings(caller, account).await?, &credential).await?;
        let found = Found { credential, ..found };
        Ok(self.assemble(caller, account, found, Kept { is_default, last_used_at, records, consumers, sync }))
    }

    pub(super) fn assemble(&self, caller: &Caller, account: &Account, found: Found, kept: Kept) -> View {
        let Found { credential, revision } = found;
        let Kept { is_default, last_used_at, records, consumers, sync } = kept;
        let now = self.now();
        let of = self.plugins().find(&credential.type_id);
        View {
            revision,
            is_default: is_default && credential.deleted_at.is_none(),
            last_used_at,
            status: credential.status(now),
            warnings: credential.warnings(now, of.as_deref().map(|of| &of.manifest), records, consumers),
            sync,
            account_name: account.name.to_string(),
            full: caller.may(Right::Read, account.id) == Some(true),
            bindable: caller.may(Right::Bind, account.id) == Some(true) && caller.may_bind(&credential),
            credential,
        }
    }

    /// The whole data of one version, secrets included.
    pub(in super::super) async fn secret_data(
        &self,
        credential: &Credential,
        version: u32,
    ) -> Result<SecretJson, Error> {
        let key = keys::of_version(Table::Secret, credential.account, credential.id, version);
        let record = self.store().get(&key).await?.ok_or_else(|| Error::not_found("version"))?;
        codec::decode(&record).map(SecretJson::new)
    }

    /// The record of the credential's name: it goes with a deletion, so whoever
    /// must not race one requires it.
    pub(in super::super) async fn name_record(&self, credential: &Credential) -> Result<Option<Record>, Error> {
        let key = keys::credential_name(self.blind(), credential.account, credential.name.as_str());
        Ok(self.store().get(&key).await?)
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("credential")
}
