//! An account begins to use a region, or uses it in another way.

use std::collections::BTreeSet;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{Reference, RegionId};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Account, Caller, Error, IfMatch, Kind, Notice, Operation, Scope, Submitted, Violation, codec};
use serde_json::json;

use crate::administer::region_event;
use crate::show::{FoundRegion, no_such_region};
use crate::{AccountRegion, AttachRegion, Attachment, Attachments, keys};

impl Attachments {
    /// Has an account use a region, or use it in another way. Its credentials
    /// are put there from then on (S0-04).
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, [`Kind::Stale`] where `if_match` names another revision.
    pub async fn attach(
        &self,
        caller: &Caller,
        account: &Reference,
        region: &Reference,
        mut submitted: Submitted<AttachRegion>,
        if_match: Option<IfMatch>,
    ) -> Result<AccountRegion, Error> {
        let account = self.kernel.authorizer.authorize_operation(caller, account, Operation::AttachRegion).await?;
        self.decides_for_all(caller, &account, Action::RegionAttach).await?;
        let region = self.regions.region_open_to(caller, &account, region).await?.region;
        let mut violations = Vec::new();
        self.validate_types(submitted.command(), &mut violations);
        self.validate_formats(submitted.command(), &mut violations);
        submitted.complain(violations);
        self.commit_attachment(caller, &account, region.id, &submitted.accept()?, if_match).await?;
        self.use_of(caller, &account, region).await
    }

    /// Refuses a token that is narrowed to some credentials: what is decided is
    /// decided for all.
    pub(crate) async fn decides_for_all(
        &self,
        caller: &Caller,
        account: &Account,
        action: Action,
    ) -> Result<(), Error> {
        if (Scope { regions: Vec::new(), ..caller.scope.clone() }).is_everything() {
            return Ok(());
        }
        let event = self.kernel.authorizer.event(caller, action, Outcome::Denied);
        self.kernel.journal.record(Event { account: Some(account.id), ..event }).await?;
        Err(Error::new(Kind::Denied, "a token that is narrowed to some credentials cannot decide for all of them"))
    }

    /// Commits that the account uses the region so, where it does not yet, and
    /// while it may.
    pub(crate) async fn commit_attachment(
        &self,
        caller: &Caller,
        account: &Account,
        region: RegionId,
        command: &AttachRegion,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        let key = keys::attachment(account.id, region);
        let mut retry = self.kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let FoundRegion { region, revision } =
                self.regions.region_open_to(caller, account, &Reference::Id(region.0)).await?;
            let record = self.kernel.ports.store().get(&key).await?;
            let old: Option<Attachment> = record.as_ref().map(codec::decode).transpose()?;
            IfMatch::check(if_match.as_ref(), record.as_ref().map(|record| record.revision))?;
            let now = self.kernel.ports.now();
            let new = Attachment {
                account: account.id,
                region: region.id,
                formats: command.formats.clone(),
                types: command.types.clone().map(BTreeSet::from_iter),
                on_detach: command.on_detach,
                detaching: None,
                attached_at: old.as_ref().filter(|old| old.detaching.is_none()).map_or(now, |old| old.attached_at),
            };
            if old.as_ref() == Some(&new) {
                return Ok(());
            }
            let expect = record.map_or(Expect::Absent, |record| Expect::At(record.revision));
            let detail = json!({ "formats": new.formats, "types": new.types, "onDetach": new.on_detach });
            let event = region_event(&self.kernel.authorizer, caller, Action::RegionAttach, &region, detail);
            let event = Event { account: Some(account.id), ..event };
            let batch = self.kernel.authorizer.require_account(Batch::default(), account.id).await?;
            // The name's record is written again, so that nobody deletes the region
            // who does not know of this use.
            let name_key = keys::region_name(self.kernel.ports.blind(), region.name.as_str());
            let name = self.kernel.ports.store().get(&name_key).await?.ok_or_else(no_such_region)?;
            if codec::decode::<RegionId>(&name)? != region.id {
                return Err(no_such_region());
            }
            let batch = batch
                // Nobody shuts the account out meanwhile.
                .require(keys::region(region.id), Expect::At(revision))
                .put(name_key, Expect::At(name.revision), name.value)
                .put(key.clone(), expect, codec::encode(&new)?)
                .event(event);
            if retry.commit(batch).await?.is_some() {
                self.kernel.ports.tell(&Notice::Account(account.id));
                return Ok(());
            }
        }
    }

    fn validate_types(&self, command: &AttachRegion, violations: &mut Vec<Violation>) {
        for (index, type_id) in command.types.iter().flatten().enumerate() {
            let pointer = format!("/types/{index}");
            if self.kernel.ports.plugins().find(type_id).is_none() {
                violations.push(Violation::new(pointer, "unknown", "No plugin for this type is loaded."));
            } else if command.formats.get(type_id).is_some_and(Vec::is_empty) {
                let message = "The type has no formats under `formats`, which keeps it away: choose one of the two.";
                violations.push(Violation::new(pointer, "conflict", message));
            }
        }
        let Some(types) = &command.types else { return };
        for (type_id, _) in command.formats.iter().filter(|(id, formats)| !formats.is_empty() && !types.contains(*id)) {
            let message =
                "The type is not among `types`, so that it would not be there: add it, or leave its formats out.";
            violations.push(Violation::new(format_pointer(type_id), "conflict", message));
        }
    }

    fn validate_formats(&self, command: &AttachRegion, violations: &mut Vec<Violation>) {
        for (type_id, formats) in &command.formats {
            let pointer = format_pointer(type_id);
            let Some(of) = self.kernel.ports.plugins().find(type_id) else {
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
