//! Which accounts may use a region. To the others it does not exist.

use std::collections::BTreeSet;

use bursar_kernel::audit::{Action, Event};
use bursar_kernel::id::{AccountId, Reference};
use bursar_kernel::store::{Batch, Expect, Revision};
use bursar_kernel::{Account, Authority, Caller, Conflict, Error, Kind, Notice, Violation, codec};
use serde_json::json;

use crate::administer::region_event;
use crate::show::{FoundRegion, is_within_scope, no_such_region};
use crate::{Attachment, Region, Regions, keys};

impl Regions {
    /// The region, for an account that is to use it.
    ///
    /// # Errors
    ///
    /// Not found, also where the account may not use it; an operator, who knows
    /// of it, is told so by a [`Kind::Conflict`].
    pub(crate) async fn region_open_to(
        &self,
        caller: &Caller,
        account: &Account,
        region: &Reference,
    ) -> Result<FoundRegion, Error> {
        let found = self.find_region(caller, region).await?;
        if found.region.admits(account.id) {
            return Ok(found);
        }
        // A caller of the account itself was not let here by `find_region`.
        let message = format_args!(
            "region `{}` is not open to the account `{}`: add it to the region's `accounts` first",
            found.region.name, account.name
        );
        Err(Error::new(Kind::Conflict, message))
    }

    /// A region that an account uses, or may use. One that it was shut out of is
    /// told of for as long as something of it may be there.
    pub(crate) async fn region_known_to(
        &self,
        caller: &Caller,
        account: &Account,
        region: &Reference,
    ) -> Result<Region, Error> {
        let record = self.region_record(region).await?.ok_or_else(no_such_region)?;
        let region: Region = codec::decode(&record)?;
        let known = region.admits(account.id)
            || caller.authority == Authority::Operator
            || self.kernel.ports.store().get(&keys::attachment(account.id, region.id)).await?.is_some();
        if known && is_within_scope(caller, &region) { Ok(region) } else { Err(no_such_region()) }
    }

    /// The accounts that are named, by id or name; the violations say which are
    /// not there.
    pub(crate) async fn accounts_named(
        &self,
        named: &[String],
        violations: &mut Vec<Violation>,
    ) -> Result<BTreeSet<AccountId>, Error> {
        let mut accounts = BTreeSet::new();
        for (index, name) in named.iter().enumerate() {
            if let Some(account) = self.kernel.authorizer.find_account(&Reference::from(name.as_str())).await? {
                accounts.insert(account.id);
            } else {
                let message = "There is no such account: name those that are there.";
                violations.push(Violation::new(format!("/accounts/{index}"), "unknown", message));
            }
        }
        Ok(accounts)
    }

    /// The names of the accounts that may use a region, sorted; deleted accounts
    /// are left out.
    pub(crate) async fn names_of_accounts(&self, region: &Region) -> Result<Option<Vec<String>>, Error> {
        let Some(accounts) = &region.accounts else { return Ok(None) };
        let mut names = Vec::with_capacity(accounts.len());
        for id in accounts {
            if let Some(record) = self.kernel.authorizer.account_record(*id).await? {
                names.push(codec::decode::<Account>(&record)?.name.to_string());
            }
        }
        names.sort();
        Ok(Some(names))
    }

    /// Adds to `batch` what becomes of the accounts that use a region and may not
    /// any more: they let go of it, as their attachments say. Returns which.
    ///
    /// The caller's batch requires the record of the region's name as it was
    /// before this, which every new attachment changes.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] with those accounts, unless by force.
    pub(crate) async fn shut_out(
        &self,
        caller: &Caller,
        new: &Region,
        force: bool,
        mut batch: Batch,
    ) -> Result<(Batch, Vec<AccountId>), Error> {
        let attachments = self.reconciler.records.attachments_of(new.id).await?;
        let outside = |(of, _): &(Attachment, Revision)| of.detaching.is_none() && !new.admits(of.account);
        let outside: Vec<_> = attachments.into_iter().filter(outside).collect();
        if !force && !outside.is_empty() {
            let conflicts = self.conflicts_with(new, &outside).await?;
            let message = "accounts use this region that it would not be open to any more: detach it from them first, or \
                           change it by force, which detaches it from them";
            return Err(Error { conflicts, ..Error::new(Kind::Conflict, message) });
        }
        let mut accounts = Vec::with_capacity(outside.len());
        for (mut attachment, revision) in outside {
            attachment.detaching = Some(attachment.on_detach);
            let detail = json!({ "onDetach": attachment.on_detach, "notOpenAnyMore": true });
            let event = region_event(&self.kernel.authorizer, caller, Action::RegionDetach, new, detail);
            let event = Event { account: Some(attachment.account), ..event };
            let key = keys::attachment(attachment.account, new.id);
            batch = batch.put(key, Expect::At(revision), codec::encode(&attachment)?).event(event);
            accounts.push(attachment.account);
        }
        Ok((batch, accounts))
    }

    /// The accounts that are in the way, as a refusal lists them.
    pub(crate) async fn conflicts_with(
        &self,
        region: &Region,
        attachments: &[(Attachment, Revision)],
    ) -> Result<Vec<Conflict>, Error> {
        let mut conflicts = Vec::new();
        for (attachment, _) in attachments.iter().take(MAX_TOLD) {
            let name = self.kernel.authorizer.account_name(attachment.account).await?;
            let url = format!("/v1/accounts/{name}/regions/{}", region.name);
            conflicts.push(Conflict { kind: "account".to_owned(), id: attachment.account.to_string(), name, url });
        }
        Ok(conflicts)
    }

    /// Tells those who may use a region that it was changed.
    pub(crate) fn announce(&self, region: &Region) {
        self.kernel.ports.tell(&Notice::Region { region: region.id, accounts: region.accounts.clone() });
    }
}

const MAX_TOLD: usize = 100;
