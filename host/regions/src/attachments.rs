//! Which regions an account uses, and the state of its credentials there.

use std::collections::HashMap;
use std::sync::Arc;

use bursar_credentials::{Credential, Credentials};
use bursar_kernel::audit::Action;
use bursar_kernel::id::{AccountId, Reference, RegionId};
use bursar_kernel::keys::{Table, of_account};
use bursar_kernel::store::{Revision, Store};
use bursar_kernel::{Account, Caller, Error, Kernel, Right, SyncState, codec};

use crate::show::is_within_scope;
use crate::walk::SyncStatuses;
use crate::{Attachment, Mode, Reconciler, Region, Regions, SyncStatus, keys};

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

/// How accounts use regions: which they use, what is in place there.
pub struct Attachments {
    pub(crate) kernel: Kernel,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) regions: Arc<Regions>,
    pub(crate) reconciler: Arc<Reconciler>,
}

impl Attachments {
    /// Attachments to these regions. Does no I/O.
    #[must_use]
    pub fn new(
        kernel: &Kernel,
        credentials: Arc<Credentials>,
        regions: Arc<Regions>,
        reconciler: Arc<Reconciler>,
    ) -> Self {
        Self { kernel: kernel.clone(), credentials, regions, reconciler }
    }

    /// The regions an account uses, with those it is letting go of.
    ///
    /// # Errors
    ///
    /// The caller lacks the right.
    pub async fn attached(&self, caller: &Caller, account: &Reference) -> Result<Vec<AccountRegion>, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::List, Action::RegionRead).await?;
        let mut used = attached_to(self.kernel.ports.store(), account.id).await?;
        used.retain(|(region, _, _)| is_within_scope(caller, region));
        let counts = self.count_states(caller, &account, &used).await?;
        Ok(used.into_iter().map(|of| account_region(of, &counts)).collect())
    }

    /// An account's use of one region.
    ///
    /// # Errors
    ///
    /// Not found where it does not use it.
    pub async fn attachment(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
    ) -> Result<AccountRegion, Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::List, Action::RegionRead).await?;
        let region = self.regions.region_known_to(caller, &account, region).await?;
        self.use_of(caller, &account, region).await
    }

    pub(crate) async fn use_of(
        &self,
        caller: &Caller,
        account: &Account,
        region: Region,
    ) -> Result<AccountRegion, Error> {
        let record = self.kernel.ports.store().get(&keys::attachment(account.id, region.id)).await?;
        let record = record.ok_or_else(not_attached)?;
        let used = (region, codec::decode(&record)?, record.revision);
        let counts = self.count_states(caller, account, std::slice::from_ref(&used)).await?;
        Ok(account_region(used, &counts))
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
        let mut placed = SyncStatuses::new(self.kernel.ports.store(), account.id);
        let mut after = Vec::new();
        loop {
            let records =
                self.kernel.ports.store().scan(&of_account(Table::Credential, account.id), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(counts) };
            after.clone_from(&last.key);
            for record in &records {
                let credential: Credential = codec::decode(record)?;
                while let Some(orphan) = placed.before(credential.id).await? {
                    placed.take(orphan).await?;
                }
                let placed = placed.take(credential.id).await?;
                if !self.credentials.is_within_scope(caller, &credential).await? {
                    continue;
                }
                let mut states: HashMap<RegionId, SyncState> = HashMap::new();
                for record in &placed {
                    if let Some(pair) = keys::pair_placed(&record.key) {
                        states.insert(pair.region, codec::decode::<SyncStatus>(record)?.state);
                    }
                }
                for (region, attachment, _) in used {
                    let wanted = || self.reconciler.is_wanted_there(attachment, region, &credential);
                    let state = states.get(&region.id).copied().or_else(|| wanted().then_some(SyncState::NotSynced));
                    if let Some(state) = state {
                        *counts.entry((region.id, state)).or_default() += 1;
                    }
                }
            }
        }
    }
}

/// Regions and attachments of an account, oldest region first.
pub(crate) async fn attached_to(
    store: &dyn Store,
    account: AccountId,
) -> Result<Vec<(Region, Attachment, Revision)>, Error> {
    let mut used = Vec::new();
    for record in store.scan(&of_account(Table::Attachment, account), &[], usize::MAX).await? {
        let attachment: Attachment = codec::decode(&record)?;
        if let Some(region) = store.get(&keys::region(attachment.region)).await? {
            used.push((codec::decode(&region)?, attachment, record.revision));
        }
    }
    Ok(used)
}

impl Reconciler {
    /// Whether a credential is to be in a region.
    pub(crate) fn is_wanted_there(&self, attachment: &Attachment, region: &Region, credential: &Credential) -> bool {
        credential.deleted_at.is_none()
            && attachment.detaching.is_none()
            && region.admits(attachment.account)
            && self.belongs_there(attachment, region, &credential.type_id)
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

pub(crate) fn not_attached() -> Error {
    Error::not_found("region in this account")
}

pub(crate) const CHUNK: usize = 500;
