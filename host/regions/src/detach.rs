//! An account ceases to use a region.

use std::time::Duration;

use bursar_kernel::audit::{Action, Event};
use bursar_kernel::id::{AccountId, Reference, RegionId};
use bursar_kernel::store::{Batch, Expect, StoreError};
use bursar_kernel::{Caller, Error, IfMatch, Notice, Right, codec};
use futures::future::{Either, select};
use futures::{StreamExt as _, stream};
use serde_json::json;

use crate::administer::region_event;
use crate::attachments::not_attached;
use crate::{Attachment, Attachments, OnDetach, ReconcileOptions, Region, keys};

impl Attachments {
    /// Has an account let go of a region. What it has there is removed, or left,
    /// as `on_detach` or else the attachment says. This waits a while for it;
    /// what is not done by then, such as in a region that is down, is done when
    /// it can be.
    ///
    /// # Errors
    ///
    /// Not found where it does not use it.
    pub async fn detach(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
        on_detach: Option<OnDetach>,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let account = self.kernel.authorizer.authorize(caller, account, Right::Sync, Action::RegionDetach).await?;
        self.decides_for_all(caller, &account, Action::RegionDetach).await?;
        let region = self.regions.find_region(caller, region).await?.region;
        let key = keys::attachment(account.id, region.id);
        let mut retry = self.kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let record = self.kernel.ports.store().get(&key).await?.ok_or_else(not_attached)?;
            IfMatch::check(if_match.as_ref(), Some(record.revision))?;
            let mut attachment: Attachment = codec::decode(&record)?;
            let how = on_detach.or(attachment.detaching).unwrap_or(attachment.on_detach);
            if attachment.detaching == Some(how) {
                break;
            }
            attachment.detaching = Some(how);
            let event = region_event(
                &self.kernel.authorizer,
                caller,
                Action::RegionDetach,
                &region,
                json!({ "onDetach": how }),
            );
            let batch = Batch::default()
                .put(key.clone(), Expect::At(record.revision), codec::encode(&attachment)?)
                .event(Event { account: Some(account.id), ..event });
            if retry.commit(batch).await?.is_some() {
                break;
            }
        }
        let options = self.on_behalf_of(caller).eagerly();
        let work = std::pin::pin!(self.empty_out(account.id, region.id, &options));
        let outcome = match select(work, self.kernel.ports.timer.sleep(PATIENCE)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Ok(()),
        };
        self.kernel.ports.tell(&Notice::Account(account.id));
        outcome
    }

    async fn empty_out(&self, account: AccountId, region: RegionId, options: &ReconcileOptions) -> Result<(), Error> {
        let pairs = self.reconciler.records.pairs_placed(account, region).await?;
        let mut reconciling = stream::iter(pairs)
            .map(|pair| self.reconciler.reconcile(pair, options))
            .buffer_unordered(self.reconciler.concurrency());
        while let Some(reconciled) = reconciling.next().await {
            reconciled?;
        }
        self.conclude_detaching(account, region).await?;
        Ok(())
    }

    /// Ends the use of a region that an account has let go of, once nothing is
    /// left to be done there. Returns whether it has ended.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn conclude_detaching(&self, account: AccountId, region: RegionId) -> Result<bool, Error> {
        let key = keys::attachment(account, region);
        let Some(record) = self.kernel.ports.store().get(&key).await? else { return Ok(false) };
        let attachment: Attachment = codec::decode(&record)?;
        if attachment.detaching.is_none() || !self.reconciler.records.pairs_placed(account, region).await?.is_empty() {
            return Ok(false);
        }
        let named = self.kernel.ports.store().get(&keys::region(region)).await?;
        let named = named.as_ref().map(codec::decode::<Region>).transpose()?;
        let event = Event {
            account: Some(account),
            region: named.map(|region| region.name.to_string()),
            detail: Some(json!({ "ended": true })),
            ..self.kernel.ports.system_event(Action::RegionDetach)
        };
        // A push that began before the account let go has a placement since.
        match self
            .kernel
            .ports
            .store()
            .commit(Batch::default().delete(key, Expect::At(record.revision)).event(event))
            .await
        {
            Ok(_) => {
                self.kernel.ports.tell(&Notice::Account(account));
                Ok(true)
            }
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// How long a caller who lets go of a region is made to wait for it to be empty.
const PATIENCE: Duration = Duration::from_secs(15);
