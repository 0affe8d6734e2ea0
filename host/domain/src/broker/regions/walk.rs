//! Comparing what should be with what is recorded, pair by pair: what the
//! reconcile loop does again and again. It reads the store alone, materializes
//! nothing and asks no target.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::super::{Broker, codec};
use super::attachments::CHUNK;
use super::settle::{is_waiting, waits_for};
use super::wanted::{Ground, Wanted};
use crate::Error;
use crate::access::Account;
use crate::credential::Credential;
use crate::id::{AccountId, CredentialId, RegionId};
use crate::keys::{self, Table};
use crate::region::{DriftPolicy, Notice, Pair, Placement, Standing, SyncState};
use crate::store::Record;

/// Which pairs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Extent {
    /// All of them.
    Everything,
    /// An account's.
    Account(AccountId),
    /// Those in a region.
    Region(RegionId),
    /// A credential's.
    Credential(AccountId, CredentialId),
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// What has to be settled, and when.
    pub due: Vec<(Pair, Timestamp)>,
    /// Why a part could not be walked, where one could not; the first such reason.
    pub failed: Option<Error>,
}

/// A walk under way.
struct Walker<'a> {
    broker: &'a Broker,
    region: Option<RegionId>,
    look: bool,
    now: Timestamp,
    walk: Walk,
    counts: BTreeMap<(String, &'static str), (SyncState, u64)>,
}

/// What is the same for all credentials of an account.
struct Plot {
    account: Account,
    grounds: HashMap<RegionId, Option<Ground>>,
    /// Where its credentials are to be.
    attached: Vec<RegionId>,
    /// Regions it has let go of, as long as nothing was seen there.
    left: Vec<RegionId>,
}

impl Broker {
    /// Walks the pairs of `extent` and answers what has to be settled. With
    /// `look` that is also what seems well, so that it is looked at. Who wants to
    /// know is told of a walk through everything.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn walk(&self, extent: Extent, look: bool) -> Result<Walk, Error> {
        let region = if let Extent::Region(region) = extent { Some(region) } else { None };
        let mut walker =
            Walker { broker: self, region, look, now: self.now(), walk: Walk::default(), counts: BTreeMap::new() };
        match extent {
            Extent::Everything => {
                for account in self.all_accounts().await? {
                    // What cannot be read of one is no reason to leave the others.
                    if let Err(error) = walker.account(account, None).await {
                        walker.walk.failed.get_or_insert(error);
                    }
                }
            }
            Extent::Account(id) => walker.account_by_id(id, None).await?,
            Extent::Credential(id, credential) => walker.account_by_id(id, Some(credential)).await?,
            Extent::Region(region) => {
                for (attachment, _) in self.attachments_of(region).await? {
                    walker.account_by_id(attachment.account, None).await?;
                }
            }
        }
        if extent == Extent::Everything {
            let standing = |((region, _), (state, pairs))| Standing { region, state, pairs };
            self.tell(&Notice::Walked(walker.counts.into_iter().map(standing).collect()));
        }
        Ok(walker.walk)
    }

    /// When a pair has to be settled; `None` where there is nothing to do.
    fn due(
        &self,
        ground: Option<&Ground>,
        credential: Option<&Credential>,
        placement: Option<&Placement>,
        (look, now): (bool, Timestamp),
    ) -> Option<Timestamp> {
        let none = Placement::default();
        let Some(ground) = ground else { return placement.map(|_| now) };
        let known = placement.unwrap_or(&none);
        let wanted = self.wanted(ground, credential, known);
        if matches!(wanted, Wanted::Anything | Wanted::AsItIs)
            || (matches!(wanted, Wanted::Gone { .. }) && placement.is_none())
        {
            return None;
        }
        if let Some(until) = self.busy(known) {
            return Some(until);
        }
        let wish = waits_for(&wanted);
        if let Some(due_at) = is_waiting(known, ground, wish, now) {
            return Some(due_at);
        }
        match wanted {
            Wanted::Put(put) if known.is_settled(&put.input) => look.then_some(now),
            Wanted::Put(put) if known.reported && known.input == put.input => {
                (look || ground.region.drift == DriftPolicy::Repair).then_some(now)
            }
            _ => Some(now),
        }
    }
}

impl Walker<'_> {
    async fn account_by_id(&mut self, id: AccountId, credential: Option<CredentialId>) -> Result<(), Error> {
        match self.broker.account_record(id).await? {
            Some(record) => self.account(codec::decode(&record)?, credential).await,
            None => Ok(()),
        }
    }

    async fn account(&mut self, account: Account, only: Option<CredentialId>) -> Result<(), Error> {
        let mut plot = self.plot(account).await?;
        let id = plot.account.id;
        if let Some(credential) = only {
            let record = self.broker.store().get(&keys::of_credential(Table::Credential, id, credential)).await?;
            let prefix = keys::of_credential(Table::Placed, id, credential);
            let placed = self.broker.store().scan(&prefix, &[], usize::MAX).await?;
            let known = record.as_ref().map(codec::decode).transpose()?;
            return self.credential(&mut plot, credential, known.as_ref(), &placed).await;
        }
        let mut placed = Placements::new(self.broker, id);
        let mut after = Vec::new();
        loop {
            let prefix = keys::of_account(Table::Credential, id);
            let records = self.broker.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = records.last() else { break };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                // What is recorded of credentials that are gone.
                while let Some(orphan) = placed.before(credential.id).await? {
                    let records = placed.take(orphan).await?;
                    self.credential(&mut plot, orphan, None, &records).await?;
                }
                let records = placed.take(credential.id).await?;
                self.credential(&mut plot, credential.id, Some(&credential), &records).await?;
            }
        }
        while let Some(orphan) = placed.any().await? {
            let records = placed.take(orphan).await?;
            self.credential(&mut plot, orphan, None, &records).await?;
        }
        for region in plot.left {
            self.broker.conclude_detaching(id, region).await?;
        }
        Ok(())
    }

    async fn plot(&self, account: Account) -> Result<Plot, Error> {
        let prefix = keys::of_account(Table::Attachment, account.id);
        let mut plot = Plot { account, grounds: HashMap::new(), attached: Vec::new(), left: Vec::new() };
        for record in self.broker.store().scan(&prefix, &[], usize::MAX).await? {
            let Some((_, id)) = keys::attached(&record.key) else { continue };
            let Some(region) = self.broker.store().get(&keys::region(id)).await? else { continue };
            let ground = self.broker.ground_of(plot.account.clone(), &region, Some(&record))?;
            if ground.attachment.as_ref().is_some_and(|(attachment, _)| attachment.detaching.is_none()) {
                plot.attached.push(id);
            } else {
                plot.left.push(id);
            }
            plot.grounds.insert(id, Some(ground));
        }
        Ok(plot)
    }

    /// All pairs of one credential.
    async fn credential(
        &mut self,
        plot: &mut Plot,
        id: CredentialId,
        credential: Option<&Credential>,
        placed: &[Record],
    ) -> Result<(), Error> {
        let mut placements: HashMap<RegionId, Placement> = HashMap::new();
        for record in placed {
            if let Some(pair) = keys::pair_placed(&record.key) {
                placements.insert(pair.region, codec::decode(record)?);
            }
        }
        for region in placements.keys() {
            if !plot.grounds.contains_key(region) {
                let ground = self.broker.ground(plot.account.id, *region).await?;
                plot.grounds.insert(*region, ground);
            }
            plot.left.retain(|left| left != region);
        }
        let live = credential.is_some_and(|credential| credential.deleted_at.is_none());
        let elsewhere = placements.keys().filter(|region| !plot.attached.contains(region)).copied();
        let regions: Vec<RegionId> = plot.attached.iter().copied().chain(elsewhere).collect();
        for region in regions {
            if self.region.is_some_and(|only| only != region) {
                continue;
            }
            let ground = plot.grounds.get(&region).and_then(Option::as_ref);
            let placement = placements.get(&region);
            if placement.is_none() && !live {
                continue;
            }
            if let Some(ground) = ground {
                let state = placement.map_or(SyncState::NotSynced, |placement| placement.state);
                let key = (ground.region.name.to_string(), state.as_str());
                self.counts.entry(key).or_insert((state, 0)).1 += 1;
            }
            let due = self.broker.due(ground, credential, placement, (self.look, self.now));
            let pair = Pair { account: plot.account.id, credential: id, region };
            self.walk.due.extend(due.map(|due| (pair, due)));
        }
        Ok(())
    }
}

/// The placements of an account in the order of its credentials, read in parts.
pub(super) struct Placements<'a> {
    broker: &'a Broker,
    prefix: Vec<u8>,
    /// Read and not taken; in the order of the keys.
    read: std::collections::VecDeque<Record>,
    after: Vec<u8>,
    ended: bool,
}

impl<'a> Placements<'a> {
    pub(super) fn new(broker: &'a Broker, account: AccountId) -> Self {
        let prefix = keys::of_account(Table::Placed, account);
        Self { broker, prefix, read: std::collections::VecDeque::new(), after: Vec::new(), ended: false }
    }

    /// The credential of the next one.
    async fn any(&mut self) -> Result<Option<CredentialId>, Error> {
        if self.read.is_empty() && !self.ended {
            let records = self.broker.store().scan(&self.prefix, &self.after, CHUNK).await?;
            match records.last() {
                Some(last) => self.after.clone_from(&last.key),
                None => self.ended = true,
            }
            self.read.extend(records);
        }
        Ok(self.read.front().and_then(|record| keys::pair_placed(&record.key)).map(|pair| pair.credential))
    }

    /// The credential of the next one, where it comes before `credential`.
    pub(super) async fn before(&mut self, credential: CredentialId) -> Result<Option<CredentialId>, Error> {
        Ok(self.any().await?.filter(|next| *next < credential))
    }

    /// All of a credential's, which are the next ones or none.
    pub(super) async fn take(&mut self, credential: CredentialId) -> Result<Vec<Record>, Error> {
        let mut taken = Vec::new();
        while self.any().await? == Some(credential) {
            taken.extend(self.read.pop_front());
        }
        Ok(taken)
    }
}
