//! Deleting and destroying (D-4).

use std::sync::Arc;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::Reference;
use bursar_kernel::keys::Table;
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Account, Caller, Conflict, Counted, Error, IfMatch, Kernel, Kind, Right, codec};

use crate::{
    Credential, CredentialRecords, Credentials, Defaults, Dependents, Found, Hold, Removal, announce, index, keys,
    not_found,
};

/// How to delete.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deletion {
    /// Even where something still uses it (S2-08).
    pub force: bool,
    /// For good: the data key is destroyed.
    pub purge: bool,
}

/// Deleting, destroying and restoring credentials, with what other areas hang on
/// them.
pub struct Deletions {
    pub(crate) kernel: Kernel,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) records: CredentialRecords,
    pub(crate) defaults: Defaults,
    dependents: Vec<Arc<dyn Dependents>>,
}

impl Deletions {
    /// Deletions of these credentials. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, credentials: Arc<Credentials>, dependents: Vec<Arc<dyn Dependents>>) -> Self {
        Self {
            records: CredentialRecords::new(kernel.ports.clone()),
            defaults: Defaults::new(kernel.ports.clone()),
            kernel: kernel.clone(),
            credentials,
            dependents,
        }
    }

    /// Deletes a credential: softly, or for good.
    ///
    /// # Errors
    ///
    /// [`Kind::Stale`] where `if_match` names another revision;
    /// [`Kind::Conflict`] where consumers are bound to it or fall back to it as the
    /// default, where a region signs in with it, or where a purge would leave DNS
    /// records or copies in regions that nobody could remove any more, unless by
    /// force. Deleted by force it stays bound, so that a restore mends what the
    /// deletion broke; a purge unbinds it.
    pub async fn delete(
        &self,
        caller: &Caller,
        account: &Reference,
        credential: &Reference,
        deletion: Deletion,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let action = if deletion.purge { Action::CredentialPurge } else { Action::CredentialDelete };
        let account = self.kernel.authorizer.authorize(caller, account, Right::Delete, action).await?;
        let found = self.credentials.find(caller, &account, credential).await?;
        IfMatch::check(if_match.as_ref(), Some(found.revision))?;
        if deletion.purge {
            self.purge(caller, &account, found, deletion.force, if_match).await
        } else {
            self.delete_softly(caller, &account, &found.credential, deletion.force, if_match).await.map(drop)
        }
    }

    /// Deletes so that a restore brings it back. Returns it as it is then.
    async fn delete_softly(
        &self,
        caller: &Caller,
        account: &Account,
        credential: &Credential,
        force: bool,
        if_match: Option<IfMatch>,
    ) -> Result<Found, Error> {
        let reference = Reference::Id(credential.id.0);
        let mut retry = self.kernel.journal.retry(&keys::for_credential(credential, Table::Credential));
        loop {
            retry.next().await?;
            let found = self.credentials.find(caller, account, &reference).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            if found.credential.deleted_at.is_some() {
                return Err(not_found());
            }
            let holds = self.holds(&found.credential).await?;
            if !force {
                self.permits(&found.credential, &holds, Removal::Deletion).await?;
            }
            let deleted = Credential { deleted_at: Some(self.kernel.ports.now()), ..found.credential.clone() };
            let key = keys::for_credential(&deleted, Table::Credential);
            let mut event = self.deletion_event(caller, Action::CredentialDelete, &deleted);
            for hold in &holds {
                hold.note(&mut event);
            }
            let batch = holds.iter().fold(Batch::default(), |batch, hold| hold.unchanged(batch));
            let batch = batch.put(key, Expect::At(found.revision), codec::encode(&deleted)?);
            let batch = self.release(&found.credential, batch, false).await?;
            if let Some(revision) = retry.commit(batch.event(event)).await? {
                announce(&self.kernel.ports, &deleted, "deleted");
                return Ok(Found { credential: deleted, revision });
            }
        }
    }

    /// Takes a credential out of other systems, then destroys it.
    async fn purge(
        &self,
        caller: &Caller,
        account: &Account,
        mut found: Found,
        force: bool,
        mut if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        if !force {
            self.permits(&found.credential, &self.holds(&found.credential).await?, Removal::PurgeBegins).await?;
        }
        for area in &self.dependents {
            if area.must_be_withdrawn(&found.credential).await? {
                if found.credential.deleted_at.is_none() {
                    // From then on nothing of it is put anywhere: what there is now is all there is.
                    found = self.delete_softly(caller, account, &found.credential, force, if_match.take()).await?;
                    if_match = Some(IfMatch::OneOf(vec![found.revision]));
                }
                let by = self.kernel.authorizer.event(caller, Action::CredentialSync, Outcome::Ok);
                area.withdraw(&by, &found.credential, force).await?;
            }
        }
        let reference = Reference::Id(found.credential.id.0);
        let mut retry = self.kernel.journal.retry(&keys::for_credential(&found.credential, Table::Credential));
        loop {
            retry.next().await?;
            let found = self.credentials.find(caller, account, &reference).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let mut event = self.deletion_event(caller, Action::CredentialPurge, &found.credential);
            let batch = self.destroy(&found, force, &mut event).await?;
            let batch = self.kernel.journal.commit_front(batch, &event).await?;
            let batch = self.release(&found.credential, batch, true).await?;
            if retry.commit(batch.event(event)).await?.is_some() {
                self.kernel.quotas.release_one(account.id, Counted::Credentials);
                // Its bindings went with it.
                self.kernel.quotas.recount(account.id, Counted::Bindings);
                announce(&self.kernel.ports, &found.credential, "purged");
                return Ok(());
            }
        }
    }

    /// Removes every record; with the secrets go their data keys. What hangs on it
    /// and old versions come first, so that what remains after a crash can be
    /// purged again.
    async fn destroy(&self, found: &Found, force: bool, event: &mut Event) -> Result<Batch, Error> {
        let (credential, ports) = (&found.credential, &self.kernel.ports);
        // Whoever puts a DNS record somewhere touches the usage: one that comes
        // after the look at what hangs on the credential makes this batch fail.
        let usage_key = keys::for_credential(credential, Table::Usage);
        let usage = ports.store().get(&usage_key).await?;
        let mut holds = self.holds(credential).await?;
        if !force {
            self.permits(credential, &holds, Removal::Purge).await?;
        }
        let mut batch = Batch::default();
        for hold in &mut holds {
            hold.note(event);
            batch = hold.destroy(batch, event)?;
        }
        for version in 1..=credential.version {
            for table in [Table::Version, Table::Secret] {
                let key = keys::of_version(table, credential.account, credential.id, version);
                batch = batch.delete(key, Expect::Any);
            }
        }
        let uses = ports.store().scan(&keys::for_credential(credential, Table::UsedBy), &[], usize::MAX).await?;
        for used in uses {
            batch = batch.delete(used.key, Expect::Any);
        }
        batch = index::remove(ports.blind(), batch, credential);
        batch = holds.iter().fold(batch, |batch, hold| hold.conclude(batch));
        let usage = usage.map_or(Expect::Absent, |usage| Expect::At(usage.revision));
        let key = keys::for_credential(credential, Table::Credential);
        Ok(batch.delete(usage_key, usage).delete(key, Expect::At(found.revision)))
    }

    /// What the credential holds in other areas now.
    async fn holds(&self, credential: &Credential) -> Result<Vec<Box<dyn Hold>>, Error> {
        let mut holds = Vec::with_capacity(self.dependents.len());
        for area in &self.dependents {
            holds.push(area.hold(credential).await?);
        }
        Ok(holds)
    }

    /// Refuses a removal that others forbid: consumers that are bound to the
    /// credential or fall back to it as the default, regions, DNS records.
    async fn permits(&self, credential: &Credential, holds: &[Box<dyn Hold>], removal: Removal) -> Result<(), Error> {
        let refusals = holds.iter().filter_map(|hold| hold.permits(credential, removal).err());
        let mut refusals: Vec<Error> = refusals.collect();
        refusals.extend(self.defaults.permits_deletion(credential).await?.err());
        if refusals.len() < 2 {
            return refusals.pop().map_or(Ok(()), Err);
        }
        let messages: Vec<String> = refusals.iter().map(|refusal| refusal.message.clone()).collect();
        let conflicts: Vec<Conflict> = refusals.into_iter().flat_map(|refusal| refusal.conflicts).collect();
        Err(Error { conflicts, ..Error::new(Kind::Conflict, messages.join("; and ")) })
    }

    /// Gives up the name, and the place as default where it has it: for good, or
    /// until a restore.
    async fn release(&self, credential: &Credential, batch: Batch, for_good: bool) -> Result<Batch, Error> {
        let mut batch = self.defaults.vacate(batch, credential, for_good).await?;
        if credential.deleted_at.is_some() {
            return Ok(batch);
        }
        if let Some(name) = self.records.name_record(credential).await? {
            batch = batch.delete(name.key, Expect::At(name.revision));
        }
        Ok(self.defaults.leave_live(batch, credential))
    }

    fn deletion_event(&self, caller: &Caller, action: Action, credential: &Credential) -> Event {
        Event {
            account: Some(credential.account),
            credential: Some(credential.id),
            version: Some(credential.version),
            ..self.kernel.authorizer.event(caller, action, Outcome::Ok)
        }
    }
}
