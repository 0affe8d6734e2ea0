//! Taking a credential out of every region before it is destroyed.

use futures::{StreamExt as _, stream};

use super::super::credentials::Found;
use super::super::{Broker, codec, keys_for};
use super::{Settled, Settling};
use crate::access::{Account, Caller};
use crate::audit::{Action, Outcome};
use crate::credential::Credential;
use crate::keys::{self, Key, Table};
use crate::region::{Pair, Placement, Region};
use crate::store::{Batch, Expect, Record, Revision};
use crate::{Conflict, Error, Kind};

impl Broker {
    /// Deletes a credential softly, where it is anywhere, and removes it from
    /// every region. Answers the revision it is at then.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] with the regions it could not be removed from, unless
    /// by force; it stays deleted then.
    pub(in super::super) async fn withdraw(
        &self,
        caller: &Caller,
        account: &Account,
        found: Found,
        force: bool,
    ) -> Result<Revision, Error> {
        let uses = keys::of_account(Table::Attachment, account.id);
        let is_anywhere = !self.pairs_of(&found.credential).await?.is_empty();
        if !is_anywhere && self.store().scan(&uses, &[], 1).await?.is_empty() {
            return Ok(found.revision);
        }
        let mut revision = found.revision;
        if found.credential.deleted_at.is_none() {
            let bound = self.bound_to(&found.credential).await?;
            if !force {
                self.depended_on(&found.credential, bound.in_the_way(&found.credential)).await?;
            }
            let deleted = Credential { deleted_at: Some(self.now()), ..found.credential.clone() };
            let mut event = self.event(caller, Action::CredentialDelete, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(deleted.id);
            event.version = Some(deleted.version);
            let batch = self.release(&found.credential, bound.unchanged(Batch::default()), false).await?;
            let key = keys_for(&deleted, Table::Credential);
            let batch = batch.put(key, Expect::At(found.revision), codec::encode(&deleted)?);
            revision = self.store().commit(batch.event(event)).await?;
            self.tell_credential(&deleted, "deleted");
        }
        // From here on no push of it can begin: what there is now is all there is.
        let pairs = self.pairs_of(&found.credential).await?;
        let how = Settling::by(self.event(caller, Action::CredentialSync, Outcome::Ok)).eagerly();
        let mut settling = stream::iter(pairs).map(|pair| self.settle_pair(pair, &how)).buffer_unordered(AT_ONCE);
        let mut why = None;
        while let Some(settled) = settling.next().await {
            match settled? {
                Settled::Failed { message, .. } | Settled::KeptOff { message, .. } => why = Some(message),
                Settled::Left => why = Some("a region is paused".to_owned()),
                Settled::Busy(_) => why = Some("another process is at it".to_owned()),
                _ => {}
            }
        }
        drop(settling);
        let left = self.pairs_of(&found.credential).await?;
        if force || left.is_empty() {
            return Ok(revision);
        }
        Err(self.still_there(&found.credential, &left, why).await?)
    }

    async fn still_there(&self, credential: &Credential, left: &[Pair], why: Option<String>) -> Result<Error, Error> {
        let mut conflicts = Vec::new();
        for pair in left {
            let id = pair.region.to_string();
            let record = self.store().get(&keys::region(pair.region)).await?;
            let region = record.as_ref().map(codec::decode::<Region>).transpose()?;
            let name = region.map_or_else(|| id.clone(), |region| region.name.to_string());
            let url = format!("/v1/regions/{name}");
            conflicts.push(Conflict { kind: "region".to_owned(), id, name, url });
        }
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let message = format!(
            "it is deleted, and could not yet be removed from every region{why}: purge it again by its id, {}, once that \
             is mended, or by force, which leaves it there",
            credential.id
        );
        Ok(Error { conflicts, ..Error::new(Kind::Conflict, message) })
    }

    /// Where a credential is, or may be.
    async fn pairs_of(&self, credential: &Credential) -> Result<Vec<Pair>, Error> {
        let records = self.placed_records(credential).await?;
        Ok(records.iter().filter_map(|record| keys::pair_placed(&record.key)).collect())
    }

    /// What is recorded of a credential in regions.
    pub(in super::super) async fn placed_records(&self, credential: &Credential) -> Result<Vec<Record>, Error> {
        Ok(self.store().scan(&keys_for(credential, Table::Placed), &[], usize::MAX).await?)
    }

    /// Refuses where a region signs in with the credential.
    pub(in super::super) async fn signs_in_nowhere(&self, credential: &Credential) -> Result<(), Error> {
        let mut conflicts = Vec::new();
        for record in self.store().scan(&Key::table(Table::Region).bytes(), &[], usize::MAX).await? {
            let region: Region = codec::decode(&record)?;
            if region.login.is_some_and(|login| login.credential == credential.id) {
                let url = format!("/v1/regions/{}", region.name);
                let (id, name) = (region.id.to_string(), region.name.to_string());
                conflicts.push(Conflict { kind: "region".to_owned(), id, name, url });
            }
        }
        if conflicts.is_empty() {
            return Ok(());
        }
        let message = "a region signs in with it: give the region another login first, or delete by force";
        Err(Error { conflicts, ..Error::new(Kind::Conflict, message) })
    }
}

/// Regions and places in which something is, or may be.
pub(in super::super) fn places_of(placed: &[Record]) -> Result<Vec<serde_json::Value>, Error> {
    let mut all = Vec::new();
    for record in placed {
        let region = keys::pair_placed(&record.key).map(|pair| pair.region);
        for place in codec::decode::<Placement>(record)?.places {
            all.push(serde_json::json!({ "region": region, "place": place.place }));
        }
    }
    Ok(all)
}

const AT_ONCE: usize = 16;
