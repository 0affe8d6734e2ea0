//! Which regions an account uses, and how its credentials stand there.

use std::collections::HashMap;

use super::super::{Broker, codec, keys_for};
use super::show::is_within_scope;
use super::walk::Placements;
use crate::Error;
use crate::access::{Account, Caller, Right};
use crate::audit::Action;
use crate::credential::{Credential, SyncRow};
use crate::id::{Reference, RegionId};
use crate::keys::{self, Key, Table};
use crate::region::{Attachment, Mode, Placement, Region, SyncState};
use crate::store::Revision;

/// An account's use of a region.
#[derive(Clone, Debug)]
pub struct AccountRegion {
    /// The region's name.
    pub name: String,
    /// Its id.
    pub id: RegionId,
    /// Its title.
    pub title: String,
    /// Whether it takes part.
    pub mode: Mode,
    /// How the account uses it.
    pub attachment: Attachment,
    /// The `ETag`.
    pub revision: Revision,
    /// How many of the account's credentials stand how; every state once.
    pub counts: Vec<(SyncState, u64)>,
}

/// The regions an account uses, for the rows of its credentials.
pub(in super::super) struct Standings {
    regions: Vec<(Region, Attachment)>,
}

impl Broker {
    /// The regions an account uses, with those it is letting go of.
    ///
    /// # Errors
    ///
    /// The caller lacks the right.
    pub async fn account_regions(&self, caller: &Caller, account: &Reference) -> Result<Vec<AccountRegion>, Error> {
        let account = self.authorize(caller, account, Right::List, Action::RegionRead).await?;
        let mut used = self.attached_to(&account).await?;
        used.retain(|(region, _, _)| is_within_scope(caller, region));
        let counts = self.count_states(caller, &account, &used).await?;
        Ok(used.into_iter().map(|of| account_region(of, &counts)).collect())
    }

    /// An account's use of one region.
    ///
    /// # Errors
    ///
    /// Not found where it does not use it.
    pub async fn account_region(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
    ) -> Result<AccountRegion, Error> {
        let account = self.authorize(caller, account, Right::List, Action::RegionRead).await?;
        let region = self.region_known_to(caller, &account, region).await?;
        self.use_of(caller, &account, region).await
    }

    pub(super) async fn use_of(
        &self,
        caller: &Caller,
        account: &Account,
        region: Region,
    ) -> Result<AccountRegion, Error> {
        let record = self.store().get(&keys::attachment(account.id, region.id)).await?;
        let record = record.ok_or_else(not_attached)?;
        let used = (region, codec::decode(&record)?, record.revision);
        let counts = self.count_states(caller, account, std::slice::from_ref(&used)).await?;
        Ok(account_region(used, &counts))
    }

    /// Regions and attachments of an account, oldest region first.
    pub(super) async fn attached_to(&self, account: &Account) -> Result<Vec<(Region, Attachment, Revision)>, Error> {
        let mut used = Vec::new();
        let prefix = keys::of_account(Table::Attachment, account.id);
        for record in self.store().scan(&prefix, &[], usize::MAX).await? {
            let attachment: Attachment = codec::decode(&record)?;
            if let Some(region) = self.store().get(&keys::region(attachment.region)).await? {
                used.push((codec::decode(&region)?, attachment, record.revision));
            }
        }
        Ok(used)
    }

    /// Every account's use of a region.
    pub(super) async fn attachments_of(&self, region: RegionId) -> Result<Vec<(Attachment, Revision)>, Error> {
        let records = self.store().scan(&Key::table(Table::Attachment).bytes(), &[], usize::MAX).await?;
        let of_it = records.iter().filter(|record| keys::attached(&record.key).is_some_and(|(_, of)| of == region));
        of_it.map(|record| Ok((codec::decode(record)?, record.revision))).collect()
    }

    /// How many of an account's credentials, of those the caller reaches, stand
    /// how in the regions it uses.
    async fn count_states(
        &self,
        caller: &Caller,
        account: &Account,
        used: &[(Region, Attachment, Revision)],
    ) -> Result<HashMap<(RegionId, SyncState), u64>, Error> {
        let mut counts: HashMap<(RegionId, SyncState), u64> = HashMap::new();
        let mut placed = Placements::new(self, account.id);
        let mut after = Vec::new();
        loop {
            let records = self.store().scan(&keys::of_account(Table::Credential, account.id), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(counts) };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                while let Some(orphan) = placed.before(credential.id).await? {
                    placed.take(orphan).await?;
                }
                let placed = placed.take(credential.id).await?;
                if !self.is_within_scope(caller, &credential).await? {
                    continue;
                }
                let mut states: HashMap<RegionId, SyncState> = HashMap::new();
                for record in &placed {
                    if let Some(pair) = keys::pair_placed(&record.key) {
                        states.insert(pair.region, codec::decode::<Placement>(record)?.state);
                    }
                }
                for (region, attachment, _) in used {
                    let wanted = || self.is_wanted_there(attachment, region, &credential);
                    let state = states.get(&region.id).copied().or_else(|| wanted().then_some(SyncState::NotSynced));
                    if let Some(state) = state {
                        *counts.entry((region.id, state)).or_default() += 1;
                    }
                }
            }
        }
    }

    fn is_wanted_there(&self, attachment: &Attachment, region: &Region, credential: &Credential) -> bool {
        credential.deleted_at.is_none()
            && attachment.detaching.is_none()
            && region.admits(attachment.account)
            && self.belongs_there(attachment, region, &credential.type_id)
    }

    /// What the rows of an account's credentials are made of.
    pub(in super::super) async fn standings(&self, caller: &Caller, account: &Account) -> Result<Standings, Error> {
        let mut used = self.attached_to(account).await?;
        used.retain(|(region, _, _)| is_within_scope(caller, region));
        let mut regions: Vec<_> = used.into_iter().map(|(region, attachment, _)| (region, attachment)).collect();
        regions.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(Standings { regions })
    }

    /// How a credential stands in each region where it is to be (S0-36), or still
    /// is.
    pub(in super::super) async fn sync_rows(
        &self,
        standings: &Standings,
        credential: &Credential,
    ) -> Result<Vec<SyncRow>, Error> {
        if standings.regions.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = keys_for(credential, Table::Placed);
        let mut placed: HashMap<RegionId, Placement> = HashMap::new();
        for record in self.store().scan(&prefix, &[], usize::MAX).await? {
            if let Some(pair) = keys::pair_placed(&record.key) {
                placed.insert(pair.region, codec::decode(&record)?);
            }
        }
        let row = |(region, attachment): &(Region, Attachment)| {
            let placement = placed.remove(&region.id);
            let wanted = self.is_wanted_there(attachment, region, credential);
            (placement.is_some() || wanted).then(|| {
                let placement = placement.unwrap_or_default();
                SyncRow {
                    region: region.name.to_string(),
                    state: placement.state,
                    synced_at: placement.synced_at,
                    error: placement.failure.map(|failure| failure.message),
                    version: placement.version,
                }
            })
        };
        Ok(standings.regions.iter().filter_map(row).collect())
    }
}

fn account_region(
    (region, attachment, revision): (Region, Attachment, Revision),
    counts: &HashMap<(RegionId, SyncState), u64>,
) -> AccountRegion {
    let count = |state: SyncState| (state, counts.get(&(region.id, state)).copied().unwrap_or_default());
    AccountRegion {
        name: region.name.to_string(),
        id: region.id,
        title: region.title.clone(),
        mode: region.mode,
        attachment,
        revision,
        counts: SyncState::ALL.into_iter().map(count).collect(),
    }
}

pub(super) fn not_attached() -> Error {
    Error::not_found("region in this account")
}

pub(super) const CHUNK: usize = 500;
