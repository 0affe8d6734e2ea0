//! What the store has of a pair: the account's use of the region, with what is the
//! same for all its credentials, and the sync status.

use bursar_kernel::id::{AccountId, RegionId};
use bursar_kernel::keys::{Key, Table, account, of_account};
use bursar_kernel::store::{Batch, Expect, Record, Revision};
use bursar_kernel::{Account, Error, Kernel, codec};

use crate::{Attachment, Pair, Region, SyncStatus, TargetKind, keys};

/// An account's use of a region.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) account: Account,
    pub(crate) region: Region,
    pub(crate) kind: Option<&'static TargetKind>,
    /// The revision the region was read at: what is begun is begun on it.
    pub(crate) region_revision: Revision,
    /// The attachment with its revision; `None` where there is none any more.
    pub(crate) attachment: Option<(Attachment, Revision)>,
    /// Stands for the settings that shape what is put there.
    pub(crate) layout: String,
}

/// Reads what the store has of pairs and of what they hang on.
pub(crate) struct SyncRecords {
    kernel: Kernel,
    kinds: &'static [TargetKind],
}

impl SyncRecords {
    pub(super) fn new(kernel: &Kernel, kinds: &'static [TargetKind]) -> Self {
        Self { kernel: kernel.clone(), kinds }
    }

    /// The assignment of an account to a region; `None` where either is gone.
    pub(crate) async fn assignment(&self, id: AccountId, region: RegionId) -> Result<Option<Assignment>, Error> {
        let store = self.kernel.ports.store();
        let Some(account_record) = store.get(&account(id)).await? else { return Ok(None) };
        let Some(region_record) = store.get(&keys::region(region)).await? else { return Ok(None) };
        let attachment = store.get(&keys::attachment(id, region)).await?;
        self.assignment_of(codec::decode(&account_record)?, &region_record, attachment.as_ref()).map(Some)
    }

    /// The same of what was read.
    pub(crate) fn assignment_of(
        &self,
        account: Account,
        region: &Record,
        attachment: Option<&Record>,
    ) -> Result<Assignment, Error> {
        let region_revision = region.revision;
        let region: Region = codec::decode(region)?;
        let attachment = attachment
            .map(|record| Ok::<_, Error>((codec::decode::<Attachment>(record)?, record.revision)))
            .transpose()?;
        let kind = self.kinds.iter().find(|kind| kind.id == region.target);
        // A sign-in that is rotated shapes nothing.
        let shaping = region.public_settings(kind);
        let layout = format!("{}\n{}\n{shaping}", region.id, region.target);
        Ok(Assignment { account, region, kind, region_revision, attachment, layout })
    }

    /// The recorded status of a pair, and what to expect of its record.
    pub(super) async fn sync_status(&self, pair: Pair) -> Result<(SyncStatus, Expect), Error> {
        let record = self.kernel.ports.store().get(&keys::placed(pair)).await?;
        let expect = record.as_ref().map_or(Expect::Absent, |record| Expect::At(record.revision));
        Ok((record.as_ref().map(codec::decode).transpose()?.unwrap_or_default(), expect))
    }

    /// Whether another credential of the account is at `place`, or is to be
    /// removed from there.
    pub(super) async fn is_held_by_another(&self, pair: Pair, place: &str) -> Result<bool, Error> {
        let mut after = Vec::new();
        loop {
            let prefix = of_account(Table::Placed, pair.account);
            let records = self.kernel.ports.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(false) };
            after.clone_from(&last.key);
            for record in &records {
                let other = keys::pair_placed(&record.key);
                let elsewhere = other.is_none_or(|other| other.region != pair.region || other == pair);
                if elsewhere {
                    continue;
                }
                let status: SyncStatus = codec::decode(record)?;
                if status.locations.iter().any(|known| known.place == place) {
                    return Ok(true);
                }
            }
        }
    }

    /// Every account's use of a region.
    pub(crate) async fn attachments_of(&self, region: RegionId) -> Result<Vec<(Attachment, Revision)>, Error> {
        let records = self.kernel.ports.store().scan(&Key::table(Table::Attachment).bytes(), &[], usize::MAX).await?;
        let of_it = records.iter().filter(|record| keys::attached(&record.key).is_some_and(|(_, of)| of == region));
        of_it.map(|record| Ok((codec::decode(record)?, record.revision))).collect()
    }

    /// What an account has, or may have, in a region.
    pub(crate) async fn pairs_placed(&self, account: AccountId, region: RegionId) -> Result<Vec<Pair>, Error> {
        let mut pairs = Vec::new();
        let mut after = Vec::new();
        loop {
            let records = self.kernel.ports.store().scan(&of_account(Table::Placed, account), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(pairs) };
            after.clone_from(&last.key);
            let placed = records.iter().filter_map(|record| keys::pair_placed(&record.key));
            pairs.extend(placed.filter(|pair| pair.region == region));
        }
    }

    /// Whether any account has anything in a region.
    pub(crate) async fn is_anything_placed(&self, region: RegionId) -> Result<bool, Error> {
        for (attachment, _) in self.attachments_of(region).await? {
            if !self.pairs_placed(attachment.account, region).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Assignment {
    /// Adds to `batch` that the region, and the account's use of it, are as they
    /// were read: nothing is begun on what an operator has changed since.
    pub(super) fn unchanged(&self, batch: Batch) -> Batch {
        let (account, region) = (self.account.id, self.region.id);
        let expect = self.attachment.as_ref().map_or(Expect::Absent, |(_, revision)| Expect::At(*revision));
        batch
            .require(keys::attachment(account, region), expect)
            .require(keys::region(region), Expect::At(self.region_revision))
    }
}

const CHUNK: usize = 500;
