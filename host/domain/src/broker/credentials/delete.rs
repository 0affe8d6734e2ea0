//! Deleting, undeleting and destroying (D-4).

use super::super::accounts::{name_taken, overtaken};
use super::super::quota::Counted;
use super::super::regions::places_of;
use super::super::{Broker, codec, keys_for};
use super::find::{Found, not_found};
use crate::access::{Caller, Right};
use crate::audit::{Action, Event, Outcome};
use crate::binding::Term;
use crate::credential::{Credential, View};
use crate::id::Reference;
use crate::keys::{self, Table};
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, IfMatch, Kind};

/// How to delete.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deletion {
    /// Even where something still uses it (S2-08).
    pub force: bool,
    /// For good: the data key is destroyed.
    pub purge: bool,
}

impl Broker {
    /// Deletes a credential: softly, or for good.
    ///
    /// # Errors
    ///
    /// [`Kind::Stale`] where `if_match` names another revision;
    /// [`Kind::Conflict`] where consumers are bound to it or fall back to it as the
    /// default, or where a purge would
    /// leave DNS records or copies in regions that nobody could remove any more,
    /// unless by force. Deleted by force it stays bound, so that a restore mends what the
    /// deletion broke; a purge unbinds it.
    pub async fn delete_credential(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        deletion: Deletion,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let action = if deletion.purge { Action::CredentialPurge } else { Action::CredentialDelete };
        let account = self.authorize(caller, account, Right::Delete, action).await?;
        let first = self.find(caller, &account, credential).await?;
        IfMatch::check(if_match.as_ref(), Some(first.revision))?;
        let reference = Reference::Id(first.credential.id.0);
        let record = keys_for(&first.credential, Table::Credential);
        let mut if_match = if_match;
        if deletion.purge {
            if !deletion.force {
                let bound = self.bound_to(&first.credential).await?.in_the_way(&first.credential);
                self.depended_on(&first.credential, bound).await?;
                Self::in_the_way(&first.credential, &self.records_of(&first.credential).await?)?;
                self.signs_in_nowhere(&first.credential).await?;
            }
            let revision = self.withdraw(caller, &account, first, deletion.force).await?;
            if_match = if_match.map(|_| IfMatch::OneOf(vec![revision]));
        }
        let mut attempts = self.attempts(&record);
        while attempts.again().await {
            let found = self.find(caller, &account, &reference).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let mut event = self.event(caller, action, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(found.credential.id);
            event.version = Some(found.credential.version);
            let gone = found.credential.deleted_at.is_some();
            if gone && !deletion.purge {
                return Err(not_found());
            }
            let bound = self.bound_to(&found.credential).await?;
            if !deletion.force {
                self.depended_on(&found.credential, bound.in_the_way(&found.credential)).await?;
                self.signs_in_nowhere(&found.credential).await?;
            }
            if let (count @ 1.., Some(detail)) = (bound.count(), &mut event.detail) {
                detail["bindings"] = serde_json::json!(count);
            }
            let mut batch = if deletion.purge {
                let batch = bound.unbind(self.destroy(&found, deletion.force, &mut event).await?);
                self.commit_front(batch, &event).await?
            } else {
                let deleted = Credential { deleted_at: Some(self.now()), ..found.credential.clone() };
                let key = keys_for(&deleted, Table::Credential);
                bound.unchanged(Batch::default()).put(key, Expect::At(found.revision), codec::encode(&deleted)?)
            };
            batch = self.release(&found.credential, batch, deletion.purge).await?;
            match self.store().commit(batch.event(event)).await {
                Ok(_) => {
                    if deletion.purge {
                        self.release_one(account.id, Counted::Credentials);
                        // Its bindings went with it.
                        self.recount(account.id, Counted::Bindings);
                    }
                    self.tell_credential(&found.credential, if deletion.purge { "purged" } else { "deleted" });
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Brings a deleted credential back under its name, and as the default where
    /// it was that and there is none since.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where it is not deleted, or the name is taken by now.
    pub async fn restore_credential(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
    ) -> Result<View, Error> {
        let account = self.authorize(caller, account, Right::Write, Action::CredentialRestore).await?;
        let mut attempts = self.attempts(&keys::of_account(Table::Credential, account.id));
        while attempts.again().await {
            let found = self.find(caller, &account, credential).await?;
            if found.credential.deleted_at.is_none() {
                return Err(Error::new(Kind::Conflict, "the credential is not deleted"));
            }
            if self.name_record(&found.credential).await?.is_some() {
                return Err(name_taken());
            }
            let restored = Credential { deleted_at: None, updated_at: self.now(), ..found.credential };
            let name_key = keys::credential_name(self.blind(), account.id, restored.name.as_str());
            let mut event = self.event(caller, Action::CredentialRestore, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(restored.id);
            event.version = Some(restored.version);
            let batch = Batch::default()
                .put(keys_for(&restored, Table::Credential), Expect::At(found.revision), codec::encode(&restored)?)
                .put(name_key, Expect::Absent, codec::encode(&restored.id)?)
                .event(event);
            let (mut batch, promoted) = self.promote_restored(batch, &restored).await?;
            if promoted {
                batch = batch.event(self.promotion_event(caller, &restored));
            }
            match self.store().commit(batch).await {
                Ok(revision) => {
                    self.tell_credential(&restored, "restored");
                    return self.view(caller, &account, Found { credential: restored, revision }).await;
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Gives up the name, and the place as default where it has it: for good, or
    /// until a restore.
    pub(in super::super) async fn release(
        &self,
        credential: &Credential,
        batch: Batch,
        for_good: bool,
    ) -> Result<Batch, Error> {
        let mut batch = self.vacate(batch, credential, for_good).await?;
        if credential.deleted_at.is_some() {
            return Ok(batch);
        }
        if let Some(name) = self.name_record(credential).await? {
            batch = batch.delete(name.key, Expect::At(name.revision));
        }
        Ok(self.remove_from_live(batch, credential))
    }

    /// Removes every record; with the secrets go their data keys. Old versions
    /// come first, so that what remains after a crash can be purged again.
    async fn destroy(&self, found: &Found, force: bool, event: &mut Event) -> Result<Batch, Error> {
        let credential = &found.credential;
        // Whoever puts a DNS record somewhere touches the usage: one that comes
        // after the look at the ledger makes this batch fail.
        let usage_key = keys_for(credential, Table::Usage);
        let usage = self.store().get(&usage_key).await?;
        let rows = self.records_of(credential).await?;
        if !force {
            Self::in_the_way(credential, &rows)?;
        }
        if let (false, Some(detail)) = (rows.is_empty(), &mut event.detail) {
            detail["abandonedDnsRecords"] = serde_json::json!(rows.len());
        }
        // What is in a region is removed before; what is left is left by force.
        let placed = self.placed_records(credential).await?;
        if !force && !placed.is_empty() {
            return Err(Error::new(Kind::Conflict, "a push of it has begun meanwhile: try again"));
        }
        if let (false, Some(detail)) = (placed.is_empty(), &mut event.detail) {
            detail["abandonedPlacements"] = serde_json::json!(places_of(&placed)?);
        }
        let mut batch = Batch::default();
        for record in placed {
            batch = batch.delete(record.key, Expect::At(record.revision));
        }
        for row in rows {
            batch = batch.delete(row.key, Expect::Any);
        }
        for version in 1..=credential.version {
            for table in [Table::Version, Table::Secret] {
                let key = keys::of_version(table, credential.account, credential.id, version);
                batch = batch.delete(key, Expect::Any);
            }
        }
        for used in self.store().scan(&keys_for(credential, Table::UsedBy), &[], usize::MAX).await? {
            batch = batch.delete(used.key, Expect::Any);
        }
        for term in Term::all(&credential.selectors) {
            batch = batch.delete(keys::selector(self.blind(), credential.account, &term, credential.id), Expect::Any);
        }
        let usage = usage.map_or(Expect::Absent, |usage| Expect::At(usage.revision));
        Ok(batch.delete(usage_key, usage).delete(keys_for(credential, Table::Credential), Expect::At(found.revision)))
    }
}
