//! An account begins, and ceases, to use a region.

use std::collections::BTreeSet;

use futures::future::{Either, select};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::super::accounts::overtaken;
use super::super::{Broker, codec};
use super::Settling;
use super::attachments::{AccountRegion, CHUNK, not_attached};
use super::show::FoundRegion;
use crate::access::{Account, Caller, Operation, Right, Scope};
use crate::audit::{Action, Outcome};
use crate::id::{AccountId, Reference, RegionId};
use crate::keys::{self, Table};
use crate::region::{Attachment, AttachmentDraft, Notice, OnDetach, Pair, Region};
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, IfMatch, Kind, Violation};

impl Broker {
    /// Has an account use a region, or use it in another way. Its credentials
    /// are put there from then on (S0-04).
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, [`Kind::Stale`] where `if_match` names another revision.
    pub async fn attach_region(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
        body: Value,
        if_match: Option<IfMatch>,
    ) -> Result<AccountRegion, Error> {
        let account = self.authorize_operation(caller, account, Operation::AttachRegion).await?;
        self.decides_for_all(caller, &account, Action::RegionAttach).await?;
        let region = self.region_open_to(caller, &account, region).await?.region;
        let (draft, mut violations) = AttachmentDraft::read(body);
        self.judge_types(&draft, &mut violations);
        self.judge_formats(&draft, &mut violations);
        if !violations.is_empty() {
            return Err(Error::invalid(violations));
        }
        self.attach(caller, &account, region.id, &draft, if_match).await?;
        self.use_of(caller, &account, region).await
    }

    /// Refuses a token that is narrowed to some credentials: what is decided is
    /// decided for all.
    pub(super) async fn decides_for_all(
        &self,
        caller: &Caller,
        account: &Account,
        action: Action,
    ) -> Result<(), Error> {
        if (Scope { regions: Vec::new(), ..caller.scope.clone() }).is_everything() {
            return Ok(());
        }
        let mut event = self.event(caller, action, Outcome::Denied);
        event.account = Some(account.id);
        self.record(event).await?;
        Err(Error::new(Kind::Denied, "a token that is narrowed to some credentials cannot decide for all of them"))
    }

    /// Commits that the account uses the region so, where it does not yet, and
    /// while it may.
    pub(super) async fn attach(
        &self,
        caller: &Caller,
        account: &Account,
        region: RegionId,
        draft: &AttachmentDraft,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let key = keys::attachment(account.id, region);
        let mut attempts = self.attempts(&key);
        while attempts.again().await {
            let FoundRegion { region, revision } =
                self.region_open_to(caller, account, &Reference::Id(region.0)).await?;
            let record = self.store().get(&key).await?;
            let old: Option<Attachment> = record.as_ref().map(codec::decode).transpose()?;
            IfMatch::check(if_match.as_ref(), record.as_ref().map(|record| record.revision))?;
            let now = self.now();
            let new = Attachment {
                account: account.id,
                region: region.id,
                formats: draft.formats.clone(),
                types: draft.types.clone().map(BTreeSet::from_iter),
                on_detach: draft.on_detach,
                detaching: None,
                attached_at: old.as_ref().filter(|old| old.detaching.is_none()).map_or(now, |old| old.attached_at),
            };
            if old.as_ref() == Some(&new) {
                return Ok(());
            }
            let expect = record.map_or(Expect::Absent, |record| Expect::At(record.revision));
            let detail = json!({ "formats": new.formats, "types": new.types, "onDetach": new.on_detach });
            let mut event = self.region_event(caller, Action::RegionAttach, &region, detail);
            event.account = Some(account.id);
            let batch = self.require_account(Batch::default(), account.id).await?;
            // The name's record is written again, so that nobody deletes the region
            // who does not know of this use.
            let name_key = keys::region_name(self.blind(), region.name.as_str());
            let name = self.store().get(&name_key).await?.ok_or_else(super::show::no_such_region)?;
            if codec::decode::<RegionId>(&name)? != region.id {
                return Err(super::show::no_such_region());
            }
            let batch = batch
                // Nobody shuts the account out meanwhile.
                .require(keys::region(region.id), Expect::At(revision))
                .put(name_key, Expect::At(name.revision), name.value)
                .put(key.clone(), expect, codec::encode(&new)?)
                .event(event);
            match self.store().commit(batch).await {
                Ok(_) => {
                    self.tell(&Notice::Account(account.id));
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Has an account let go of a region. What it has there is removed, or left,
    /// as `on_detach` or else the attachment says. This waits a while for it;
    /// what is not done by then, such as in a region that is down, is done when
    /// it can be.
    ///
    /// # Errors
    ///
    /// Not found where it does not use it.
    pub async fn detach_region(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
        on_detach: Option<OnDetach>,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let account = self.authorize(caller, account, Right::Sync, Action::RegionDetach).await?;
        self.decides_for_all(caller, &account, Action::RegionDetach).await?;
        let region = self.find_region(caller, region).await?.region;
        let key = keys::attachment(account.id, region.id);
        let mut done = false;
        let mut attempts = self.attempts(&key);
        while attempts.again().await {
            let record = self.store().get(&key).await?.ok_or_else(not_attached)?;
            IfMatch::check(if_match.as_ref(), Some(record.revision))?;
            let mut attachment: Attachment = codec::decode(&record)?;
            let how = on_detach.or(attachment.detaching).unwrap_or(attachment.on_detach);
            if attachment.detaching == Some(how) {
                done = true;
                break;
            }
            attachment.detaching = Some(how);
            let mut event = self.region_event(caller, Action::RegionDetach, &region, json!({ "onDetach": how }));
            event.account = Some(account.id);
            let batch = Batch::default().put(key.clone(), Expect::At(record.revision), codec::encode(&attachment)?);
            match self.store().commit(batch.event(event)).await {
                Ok(_) => {
                    done = true;
                    break;
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !done {
            return Err(overtaken());
        }
        let by = Settling::by(self.event(caller, Action::CredentialSync, Outcome::Ok)).eagerly();
        let work = std::pin::pin!(self.empty_out(account.id, region.id, &by));
        let outcome = match select(work, self.ports.timer.sleep(PATIENCE)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Ok(()),
        };
        self.tell(&Notice::Account(account.id));
        outcome
    }

    async fn empty_out(&self, account: AccountId, region: RegionId, by: &Settling) -> Result<(), Error> {
        let pairs = self.pairs_placed(account, region).await?;
        let mut settling =
            stream::iter(pairs).map(|pair| self.settle_pair(pair, by)).buffer_unordered(self.region_concurrency());
        while let Some(settled) = settling.next().await {
            settled?;
        }
        self.conclude_detaching(account, region).await?;
        Ok(())
    }

    /// Ends the use of a region that an account has let go of, once nothing is
    /// left to be done there. Answers whether it has ended.
    ///
    /// # Errors
    ///
    /// Where the store fails.
    pub async fn conclude_detaching(&self, account: AccountId, region: RegionId) -> Result<bool, Error> {
        let key = keys::attachment(account, region);
        let Some(record) = self.store().get(&key).await? else { return Ok(false) };
        let attachment: Attachment = codec::decode(&record)?;
        if attachment.detaching.is_none() || !self.pairs_placed(account, region).await?.is_empty() {
            return Ok(false);
        }
        let mut event = self.system_event(Action::RegionDetach);
        event.account = Some(account);
        event.region = match self.store().get(&keys::region(region)).await? {
            Some(record) => Some(codec::decode::<Region>(&record)?.name.to_string()),
            None => None,
        };
        event.detail = Some(json!({ "ended": true }));
        // A push that began before the account let go has a placement since.
        match self.store().commit(Batch::default().delete(key, Expect::At(record.revision)).event(event)).await {
            Ok(_) => {
                self.tell(&Notice::Account(account));
                Ok(true)
            }
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What an account has, or may have, in a region.
    pub(super) async fn pairs_placed(&self, account: AccountId, region: RegionId) -> Result<Vec<Pair>, Error> {
        let mut pairs = Vec::new();
        let mut after = Vec::new();
        loop {
            let records = self.store().scan(&keys::of_account(Table::Placed, account), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(pairs) };
            after.clone_from(&last.key);
            let placed = records.iter().filter_map(|record| keys::pair_placed(&record.key));
            pairs.extend(placed.filter(|pair| pair.region == region));
        }
    }

    /// Whether any account has anything in a region.
    pub(super) async fn is_anything_placed(&self, region: RegionId) -> Result<bool, Error> {
        for (attachment, _) in self.attachments_of(region).await? {
            if !self.pairs_placed(attachment.account, region).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn judge_types(&self, draft: &AttachmentDraft, violations: &mut Vec<Violation>) {
        for (index, type_id) in draft.types.iter().flatten().enumerate() {
            let pointer = format!("/types/{index}");
            if self.plugins().find(type_id).is_none() {
                violations.push(Violation::new(pointer, "unknown", "No plugin for this type is loaded."));
            } else if draft.formats.get(type_id).is_some_and(Vec::is_empty) {
                let message = "The type has no formats under `formats`, which keeps it away: choose one of the two.";
                violations.push(Violation::new(pointer, "conflict", message));
            }
        }
        let Some(types) = &draft.types else { return };
        for (type_id, _) in draft.formats.iter().filter(|(id, formats)| !formats.is_empty() && !types.contains(*id)) {
            let message =
                "The type is not among `types`, so that it would not be there: add it, or leave its formats out.";
            violations.push(Violation::new(format_pointer(type_id), "conflict", message));
        }
    }

    fn judge_formats(&self, draft: &AttachmentDraft, violations: &mut Vec<Violation>) {
        for (type_id, formats) in &draft.formats {
            let pointer = format_pointer(type_id);
            let Some(of) = self.plugins().find(type_id) else {
                violations.push(Violation::new(pointer, "unknown", "No plugin for this type is loaded."));
                continue;
            };
            for (index, format) in formats.iter().enumerate() {
                if of.manifest.format(format).is_none() {
                    let known: Vec<&str> = of.manifest.formats.iter().map(|format| format.id.as_str()).collect();
                    let message = format!("The type has no such format: choose of {}.", known.join(", "));
                    violations.push(Violation::new(format!("{pointer}/{index}"), "unknown", message));
                }
            }
        }
    }
}

fn format_pointer(type_id: &str) -> String {
    format!("/formats/{}", type_id.replace('~', "~0").replace('/', "~1"))
}

/// How long a caller who lets go of a region is made to wait for it to be empty.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);
