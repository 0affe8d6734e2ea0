//! Comparing what should be with what is recorded, pair by pair: what the
//! reconcile loop does again and again. It reads the store alone, materializes
//! nothing and asks no target.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bursar_credentials::Credential;
use bursar_kernel::id::{AccountId, CredentialId, RegionId};
use bursar_kernel::keys::{Table, of_account, of_credential};
use bursar_kernel::store::{Record, Store};
use bursar_kernel::{Account, Error, Notice, SyncCount, SyncState, codec};
use jiff::Timestamp;

use crate::attachments::CHUNK;
use crate::reconcile::Assignment;
use crate::reconcile::decide::{Observation, decide};
use crate::{Attachments, Pair, ReconcileOptions, SyncStatus, keys};

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
    /// What has to be reconciled, and when.
    pub due: Vec<(Pair, Timestamp)>,
    /// Why a part could not be walked, where one could not; the first such reason.
    pub failed: Option<Error>,
}

/// A walk under way.
struct Walker<'a> {
    attachments: &'a Attachments,
    region: Option<RegionId>,
    options: ReconcileOptions,
    now: Timestamp,
    walk: Walk,
    counts: BTreeMap<(String, &'static str), (SyncState, u64)>,
}

/// What is the same for all credentials of an account.
struct AccountAssignments {
    account: Account,
    assignments: HashMap<RegionId, Option<Assignment>>,
    /// Where its credentials are to be.
    attached: Vec<RegionId>,
    /// Attachments it has let go of, as long as nothing was seen there.
    left: Vec<RegionId>,
}

impl Attachments {
    /// Walks the pairs of `extent` and returns what has to be reconciled. With
    /// `verify` that is also what seems well, so that it is checked. A walk through
    /// everything publishes its counts.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn walk(&self, extent: Extent, verify: bool) -> Result<Walk, Error> {
        let region = if let Extent::Region(region) = extent { Some(region) } else { None };
        let options = ReconcileOptions::system(&self.kernel.ports);
        let options = if verify { options.verifying() } else { options };
        let now = self.kernel.ports.now();
        let mut walker =
            Walker { attachments: self, region, options, now, walk: Walk::default(), counts: BTreeMap::new() };
        match extent {
            Extent::Everything => {
                for account in self.kernel.authorizer.all_accounts().await? {
                    // What cannot be read of one is no reason to leave the others.
                    if let Err(error) = walker.account(account, None).await {
                        walker.walk.failed.get_or_insert(error);
                    }
                }
            }
            Extent::Account(id) => walker.account_by_id(id, None).await?,
            Extent::Credential(id, credential) => walker.account_by_id(id, Some(credential)).await?,
            Extent::Region(region) => {
                for (attachment, _) in self.reconciler.records.attachments_of(region).await? {
                    walker.account_by_id(attachment.account, None).await?;
                }
            }
        }
        if extent == Extent::Everything {
            let count = |((region, _), (state, pairs))| SyncCount { region, state, pairs };
            self.kernel.ports.tell(&Notice::Walked(walker.counts.into_iter().map(count).collect()));
        }
        Ok(walker.walk)
    }
}

impl Walker<'_> {
    async fn account_by_id(&mut self, id: AccountId, credential: Option<CredentialId>) -> Result<(), Error> {
        match self.attachments.kernel.authorizer.account_record(id).await? {
            Some(record) => self.account(codec::decode(&record)?, credential).await,
            None => Ok(()),
        }
    }

    async fn account(&mut self, account: Account, only: Option<CredentialId>) -> Result<(), Error> {
        let mut used = self.used(account).await?;
        let id = used.account.id;
        if let Some(credential) = only {
            let record =
                self.attachments.kernel.ports.store().get(&of_credential(Table::Credential, id, credential)).await?;
            let prefix = of_credential(Table::Placed, id, credential);
            let placed = self.attachments.kernel.ports.store().scan(&prefix, &[], usize::MAX).await?;
            let known = record.as_ref().map(codec::decode).transpose()?;
            return self.credential(&mut used, credential, known.as_ref(), &placed).await;
        }
        let mut placed = SyncStatuses::new(self.attachments.kernel.ports.store(), id);
        let mut after = Vec::new();
        loop {
            let prefix = of_account(Table::Credential, id);
            let records = self.attachments.kernel.ports.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = records.last() else { break };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                // What is recorded of credentials that are gone.
                while let Some(orphan) = placed.before(credential.id).await? {
                    let records = placed.take(orphan).await?;
                    self.credential(&mut used, orphan, None, &records).await?;
                }
                let records = placed.take(credential.id).await?;
                self.credential(&mut used, credential.id, Some(&credential), &records).await?;
            }
        }
        while let Some(orphan) = placed.any().await? {
            let records = placed.take(orphan).await?;
            self.credential(&mut used, orphan, None, &records).await?;
        }
        for region in used.left {
            self.attachments.conclude_detaching(id, region).await?;
        }
        Ok(())
    }

    async fn used(&self, account: Account) -> Result<AccountAssignments, Error> {
        let prefix = of_account(Table::Attachment, account.id);
        let mut used =
            AccountAssignments { account, assignments: HashMap::new(), attached: Vec::new(), left: Vec::new() };
        for record in self.attachments.kernel.ports.store().scan(&prefix, &[], usize::MAX).await? {
            let Some((_, id)) = keys::attached(&record.key) else { continue };
            let Some(region) = self.attachments.kernel.ports.store().get(&keys::region(id)).await? else { continue };
            let assignment =
                self.attachments.reconciler.records.assignment_of(used.account.clone(), &region, Some(&record))?;
            if assignment.attachment.as_ref().is_some_and(|(attachment, _)| attachment.detaching.is_none()) {
                used.attached.push(id);
            } else {
                used.left.push(id);
            }
            used.assignments.insert(id, Some(assignment));
        }
        Ok(used)
    }

    /// When a pair has to be reconciled; `None` where there is nothing to do.
    fn due(
        &self,
        assignment: Option<&Assignment>,
        credential: Option<&Credential>,
        status: Option<&SyncStatus>,
    ) -> Option<Timestamp> {
        let Some(assignment) = assignment else { return status.map(|_| self.now) };
        let reconciler = &self.attachments.reconciler;
        let none = SyncStatus::default();
        let desired = reconciler.desired(assignment, credential, status.unwrap_or(&none));
        let recorded = reconciler.recorded(assignment, status, &self.options);
        decide(&desired, &recorded, &Observation::default()).due(self.now)
    }

    /// All pairs of one credential.
    async fn credential(
        &mut self,
        used: &mut AccountAssignments,
        id: CredentialId,
        credential: Option<&Credential>,
        placed: &[Record],
    ) -> Result<(), Error> {
        let mut statuses: HashMap<RegionId, SyncStatus> = HashMap::new();
        for record in placed {
            if let Some(pair) = keys::pair_placed(&record.key) {
                statuses.insert(pair.region, codec::decode(record)?);
            }
        }
        for region in statuses.keys() {
            if !used.assignments.contains_key(region) {
                let assignment = self.attachments.reconciler.records.assignment(used.account.id, *region).await?;
                used.assignments.insert(*region, assignment);
            }
            used.left.retain(|left| left != region);
        }
        let live = credential.is_some_and(|credential| credential.deleted_at.is_none());
        let elsewhere = statuses.keys().filter(|region| !used.attached.contains(region)).copied();
        let regions: Vec<RegionId> = used.attached.iter().copied().chain(elsewhere).collect();
        for region in regions {
            if self.region.is_some_and(|only| only != region) {
                continue;
            }
            let assignment = used.assignments.get(&region).and_then(Option::as_ref);
            let status = statuses.get(&region);
            if status.is_none() && !live {
                continue;
            }
            if let Some(assignment) = assignment {
                let state = status.map_or(SyncState::NotSynced, |status| status.state);
                let key = (assignment.region.name.to_string(), state.as_str());
                self.counts.entry(key).or_insert((state, 0)).1 += 1;
            }
            let due = self.due(assignment, credential, status);
            let pair = Pair { account: used.account.id, credential: id, region };
            self.walk.due.extend(due.map(|due| (pair, due)));
        }
        Ok(())
    }
}

/// The sync statuses of an account in the order of its credentials, read in parts.
pub(crate) struct SyncStatuses<'a> {
    store: &'a dyn Store,
    prefix: Vec<u8>,
    /// Read and not taken; in the order of the keys.
    read: VecDeque<Record>,
    after: Vec<u8>,
    ended: bool,
}

impl<'a> SyncStatuses<'a> {
    pub(crate) fn new(store: &'a dyn Store, account: AccountId) -> Self {
        let prefix = of_account(Table::Placed, account);
        Self { store, prefix, read: VecDeque::new(), after: Vec::new(), ended: false }
    }

    /// The credential of the next one.
    async fn any(&mut self) -> Result<Option<CredentialId>, Error> {
        if self.read.is_empty() && !self.ended {
            let records = self.store.scan(&self.prefix, &self.after, CHUNK).await?;
            match records.last() {
                Some(last) => self.after.clone_from(&last.key),
                None => self.ended = true,
            }
            self.read.extend(records);
        }
        Ok(self.read.front().and_then(|record| keys::pair_placed(&record.key)).map(|pair| pair.credential))
    }

    /// The credential of the next one, where it comes before `credential`.
    pub(crate) async fn before(&mut self, credential: CredentialId) -> Result<Option<CredentialId>, Error> {
        Ok(self.any().await?.filter(|next| *next < credential))
    }

    /// All of a credential's, which are the next ones or none.
    pub(crate) async fn take(&mut self, credential: CredentialId) -> Result<Vec<Record>, Error> {
        let mut taken = Vec::new();
        while self.any().await? == Some(credential) {
            taken.extend(self.read.pop_front());
        }
        Ok(taken)
    }
}
