//! What regions hang on a credential: copies in regions, which have to be removed
//! before it is destroyed, and regions that sign in with it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bursar_credentials::{Credential, Dependents, Extras, Hold, Removal, SyncRow, keys as credential_keys};
use bursar_kernel::audit::Event;
use bursar_kernel::id::RegionId;
use bursar_kernel::keys::{Key, Table, of_account};
use bursar_kernel::store::{Batch, Expect, Record};
use bursar_kernel::{Account, Caller, Conflict, Error, Kind, codec};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::attachments::attached_to;
use crate::show::is_within_scope;
use crate::{Attachment, Pair, ReconcileOptions, Reconciled, Reconciler, Region, SyncStatus, keys};

/// Regions as an area that hangs something on credentials.
pub struct RegionDependents {
    reconciler: Arc<Reconciler>,
}

/// What a credential has in regions.
struct Placed {
    /// Its sync statuses.
    statuses: Vec<Record>,
    /// Regions that sign in with it.
    logins: Vec<Region>,
}

impl RegionDependents {
    /// Regions that this reconciler keeps. Does no I/O.
    #[must_use]
    pub fn new(reconciler: Arc<Reconciler>) -> Self {
        Self { reconciler }
    }

    /// The rows of a credential (S0-36): one for each region where it is to be, or
    /// still is.
    async fn rows(&self, used: &[(Region, Attachment)], credential: &Credential) -> Result<Vec<SyncRow>, Error> {
        if used.is_empty() {
            return Ok(Vec::new());
        }
        let mut statuses: HashMap<RegionId, SyncStatus> = HashMap::new();
        for record in self.statuses(credential).await? {
            if let Some(pair) = keys::pair_placed(&record.key) {
                statuses.insert(pair.region, codec::decode(&record)?);
            }
        }
        let row = |(region, attachment): &(Region, Attachment)| {
            let status = statuses.remove(&region.id);
            let wanted = self.reconciler.is_wanted_there(attachment, region, credential);
            (status.is_some() || wanted).then(|| {
                let status = status.unwrap_or_default();
                SyncRow {
                    region: region.name.to_string(),
                    state: status.state,
                    synced_at: status.synced_at,
                    error: status.failure.map(|failure| failure.message),
                    version: status.version,
                }
            })
        };
        Ok(used.iter().filter_map(row).collect())
    }

    async fn statuses(&self, credential: &Credential) -> Result<Vec<Record>, Error> {
        let prefix = credential_keys::for_credential(credential, Table::Placed);
        Ok(self.reconciler.kernel().ports.store().scan(&prefix, &[], usize::MAX).await?)
    }

    /// Where a credential is, or may be.
    async fn pairs(&self, credential: &Credential) -> Result<Vec<Pair>, Error> {
        Ok(self.statuses(credential).await?.iter().filter_map(|record| keys::pair_placed(&record.key)).collect())
    }

    async fn still_there(&self, credential: &Credential, left: &[Pair], why: Option<String>) -> Result<Error, Error> {
        let mut conflicts = Vec::new();
        for pair in left {
            let id = pair.region.to_string();
            let record = self.reconciler.kernel().ports.store().get(&keys::region(pair.region)).await?;
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
}

#[async_trait]
impl Dependents for RegionDependents {
    async fn describe(
        &self,
        caller: &Caller,
        account: &Account,
        credentials: &[&Credential],
        extras: &mut [Extras],
        _: bool,
    ) -> Result<(), Error> {
        let mut used = attached_to(self.reconciler.kernel().ports.store(), account.id).await?;
        used.retain(|(region, _, _)| is_within_scope(caller, region));
        let mut used: Vec<_> = used.into_iter().map(|(region, attachment, _)| (region, attachment)).collect();
        used.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        for (credential, extras) in credentials.iter().zip(extras) {
            extras.sync = self.rows(&used, credential).await?;
        }
        Ok(())
    }

    async fn hold(&self, credential: &Credential) -> Result<Box<dyn Hold>, Error> {
        let store = self.reconciler.kernel().ports.store();
        let statuses = self.statuses(credential).await?;
        let mut logins = Vec::new();
        for record in store.scan(&Key::table(Table::Region).bytes(), &[], usize::MAX).await? {
            let region: Region = codec::decode(&record)?;
            if region.login.is_some_and(|login| login.credential == credential.id) {
                logins.push(region);
            }
        }
        Ok(Box::new(Placed { statuses, logins }))
    }

    async fn must_be_withdrawn(&self, credential: &Credential) -> Result<bool, Error> {
        let uses = of_account(Table::Attachment, credential.account);
        Ok(!self.pairs(credential).await?.is_empty()
            || !self.reconciler.kernel().ports.store().scan(&uses, &[], 1).await?.is_empty())
    }

    async fn withdraw(&self, by: &Event, credential: &Credential, force: bool) -> Result<(), Error> {
        let pairs = self.pairs(credential).await?;
        let options = ReconcileOptions::by(by.clone()).eagerly();
        let mut reconciling =
            stream::iter(pairs).map(|pair| self.reconciler.reconcile(pair, &options)).buffer_unordered(AT_ONCE);
        let mut why = None;
        while let Some(reconciled) = reconciling.next().await {
            match reconciled? {
                Reconciled::Failed { message, .. } | Reconciled::KeptOff { message, .. } => why = Some(message),
                Reconciled::Left => why = Some("a region is paused".to_owned()),
                Reconciled::Busy(_) => why = Some("another process is at it".to_owned()),
                _ => {}
            }
        }
        drop(reconciling);
        let left = self.pairs(credential).await?;
        if force || left.is_empty() { Ok(()) } else { Err(self.still_there(credential, &left, why).await?) }
    }
}

impl Hold for Placed {
    fn permits(&self, _: &Credential, removal: Removal) -> Result<(), Error> {
        if !self.logins.is_empty() {
            let conflict = |region: &Region| Conflict {
                kind: "region".to_owned(),
                id: region.id.to_string(),
                name: region.name.to_string(),
                url: format!("/v1/regions/{}", region.name),
            };
            let conflicts = self.logins.iter().map(conflict).collect();
            let message = "a region signs in with it: give the region another login first, or delete by force";
            return Err(Error { conflicts, ..Error::new(Kind::Conflict, message) });
        }
        // What is in a region is removed before; what is left is left by force.
        if removal == Removal::Purge && !self.statuses.is_empty() {
            return Err(Error::new(Kind::Conflict, "a push of it has begun meanwhile: try again"));
        }
        Ok(())
    }

    fn destroy(&mut self, mut batch: Batch, event: &mut Event) -> Result<Batch, Error> {
        if let (false, Some(detail)) = (self.statuses.is_empty(), &mut event.detail) {
            detail["abandonedPlacements"] = json!(places_of(&self.statuses)?);
        }
        for record in self.statuses.drain(..) {
            batch = batch.delete(record.key, Expect::At(record.revision));
        }
        Ok(batch)
    }
}

/// Regions and places in which something is, or may be.
fn places_of(statuses: &[Record]) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for record in statuses {
        let region = keys::pair_placed(&record.key).map(|pair| pair.region);
        for location in codec::decode::<SyncStatus>(record)?.locations {
            all.push(json!({ "region": region, "place": location.place }));
        }
    }
    Ok(all)
}

const AT_ONCE: usize = 16;
