//! Making and removing regions: operators' business.

use std::collections::BTreeSet;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{AccountId, Reference, RegionId};
use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{
    Authorizer, Caller, Created, Error, IdempotencyKey, IfMatch, Kind, Notice, Page, Submitted, Violation, codec, gone,
    name_taken, page, parse_name,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::show::{FoundRegion, RegionView, may_know, no_such_region};
use crate::{CreateRegion, LoginReference, Mode, Region, Regions, TargetError, keys};

impl Regions {
    /// A page of the regions, oldest first.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for those who only use what they are bound to.
    pub async fn list(&self, caller: &Caller, cursor: Option<&str>, limit: usize) -> Result<Page<RegionView>, Error> {
        self.may_see_regions(caller).await?;
        let mut after = page::after(cursor)?.map(|id| keys::region(RegionId(id))).unwrap_or_default();
        let mut views = Vec::new();
        while views.len() <= limit {
            let records = self.kernel.ports.store().scan(&Key::table(Table::Region).bytes(), &after, limit + 1).await?;
            let Some(last) = records.last() else { break };
            after.clone_from(&last.key);
            for record in &records {
                let region: Region = codec::decode(record)?;
                if may_know(caller, &region) {
                    let found = FoundRegion { region, revision: record.revision };
                    views.push(self.region_view(caller, found).await?);
                }
            }
        }
        let more = views.len() > limit;
        views.truncate(limit);
        let next_cursor = views.last().filter(|_| more).map(|view| view.region.id.to_string());
        Ok(Page { items: views, next_cursor })
    }

    /// Makes a region.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, [`Kind::Conflict`] where
    /// the name is taken.
    pub async fn create(
        &self,
        caller: &Caller,
        mut submitted: Submitted<CreateRegion>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<RegionView>, Error> {
        let kernel = &self.kernel;
        kernel.authorizer.authorize_operator(caller, Action::RegionCreate).await?;
        if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
            return self.replay(caller, earlier).await;
        }
        let mut violations = submitted.command().validate();
        let (login, accounts) = self.references(&submitted, &mut violations).await?;
        self.validate_settings(&submitted, &mut violations);
        submitted.complain(violations);
        let region = self.new_region(submitted.accept()?, login, accounts)?;
        let name_key = keys::region_name(kernel.ports.blind(), region.name.as_str());
        let mut retry = kernel.journal.retry(&name_key);
        loop {
            retry.next().await?;
            let is_taken = kernel.ports.store().get(&name_key).await?.is_some();
            if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
                return self.replay(caller, earlier).await;
            }
            if is_taken {
                return Err(name_taken());
            }
            let batch = Batch::default()
                .put(keys::region(region.id), Expect::Absent, codec::encode(&region)?)
                .put(name_key.clone(), Expect::Absent, codec::encode(&region.id)?)
                .event(region_event(
                    &self.kernel.authorizer,
                    caller,
                    Action::RegionCreate,
                    &region,
                    json!({ "target": region.target }),
                ));
            let batch = kernel.idempotency.record(batch, caller, key, region.id.0)?;
            if let Some(revision) = retry.commit(batch).await? {
                self.announce(&region);
                let value = self.region_view(caller, FoundRegion { region, revision }).await?;
                return Ok(Created { value, replayed: false });
            }
        }
    }

    /// The sign-in and the accounts that a command names.
    async fn references(
        &self,
        submitted: &Submitted<CreateRegion>,
        violations: &mut Vec<Violation>,
    ) -> Result<(Option<LoginReference>, Option<BTreeSet<AccountId>>), Error> {
        let command = submitted.command();
        let login = self.chosen_login(&command.target, &command.login, violations).await?;
        let accounts = match &command.accounts {
            Some(named) => Some(self.accounts_named(named, violations).await?),
            None => None,
        };
        Ok((login, accounts))
    }

    fn new_region(
        &self,
        command: CreateRegion,
        login: Option<LoginReference>,
        accounts: Option<BTreeSet<AccountId>>,
    ) -> Result<Region, Error> {
        let now = self.kernel.ports.now();
        Ok(Region {
            id: RegionId(self.kernel.ports.new_id()),
            name: parse_name(&command.name, "/name").map_err(|violation| Error::invalid(vec![violation]))?,
            title: command.title,
            target: command.target,
            settings: command.settings,
            login,
            drift: command.drift,
            mode: Mode::Active,
            accounts,
            created_at: now,
            updated_at: now,
        })
    }

    fn validate_settings(&self, submitted: &Submitted<CreateRegion>, violations: &mut Vec<Violation>) {
        // Nothing more can be said of what is not there, or no object.
        if !submitted.is_wrong("/target") && !submitted.is_wrong("/settings") {
            let command = submitted.command();
            violations.extend(self.complaints(&command.target, &command.settings));
        }
    }

    async fn replay(&self, caller: &Caller, id: Uuid) -> Result<Created<RegionView>, Error> {
        let found = self.find_region(caller, &Reference::Id(id)).await.map_err(|_| gone())?;
        Ok(Created { value: self.region_view(caller, found).await?, replayed: true })
    }

    /// Pauses a region, has it emptied, or has it kept in place again.
    ///
    /// # Errors
    ///
    /// Not found, or not an operator.
    pub async fn set_mode(&self, caller: &Caller, region: &Reference, mode: Mode) -> Result<RegionView, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::RegionUpdate).await?;
        let mut retry = self.kernel.journal.retry(&Key::table(Table::Region).bytes());
        loop {
            retry.next().await?;
            let found = self.find_region(caller, region).await?;
            if found.region.mode == mode {
                return self.region_view(caller, found).await;
            }
            let new = Region { mode, ..found.region.clone() };
            if let Some(view) = self.replace(caller, &retry, found, new, json!({ "mode": mode }), false).await? {
                return Ok(view);
            }
        }
    }

    /// Removes a region that no account uses. By force also one that accounts
    /// use: what is there then stays, and is nobody's.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] with the accounts that use it.
    pub async fn delete(
        &self,
        caller: &Caller,
        region: &Reference,
        force: bool,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::RegionDelete).await?;
        let mut retry = self.kernel.journal.retry(&Key::table(Table::Region).bytes());
        loop {
            retry.next().await?;
            let FoundRegion { region, revision } = self.find_region(caller, region).await?;
            IfMatch::check(if_match.as_ref(), Some(revision))?;
            // Whoever attaches it meanwhile writes this.
            let name = self
                .kernel
                .ports
                .store()
                .get(&keys::region_name(self.kernel.ports.blind(), region.name.as_str()))
                .await?;
            let name = name.ok_or_else(no_such_region)?;
            let attachments = self.reconciler.records.attachments_of(region.id).await?;
            if !force && !attachments.is_empty() {
                let conflicts = self.conflicts_with(&region, &attachments).await?;
                let message = "accounts use this region: detach it from them first, or delete it by force, which leaves \
                               what is there";
                return Err(Error { conflicts, ..Error::new(Kind::Conflict, message) });
            }
            let detail = json!({ "accounts": attachments.len() });
            let event = region_event(&self.kernel.authorizer, caller, Action::RegionDelete, &region, detail);
            let mut batch = Batch::default();
            for (attachment, revision) in &attachments {
                batch = batch.delete(keys::attachment(attachment.account, region.id), Expect::At(*revision));
            }
            // What is recorded of its pairs is forgotten by the next walk.
            let mut batch = self
                .kernel
                .journal
                .commit_front(batch, &event)
                .await?
                .delete(name.key, Expect::At(name.revision))
                .delete(keys::region(region.id), Expect::At(revision))
                .event(event);
            for (attachment, _) in &attachments {
                let event = region_event(
                    &self.kernel.authorizer,
                    caller,
                    Action::RegionDetach,
                    &region,
                    json!({ "abandoned": true }),
                );
                batch = batch.event(Event { account: Some(attachment.account), ..event });
            }
            if retry.commit(batch).await?.is_some() {
                self.reconciler.gateway.forget(region.id);
                self.announce(&region);
                for (attachment, _) in attachments {
                    self.kernel.ports.tell(&Notice::Account(attachment.account));
                }
                return Ok(());
            }
        }
    }

    /// Whether a region's target can be reached and lets us in, now.
    ///
    /// # Errors
    ///
    /// The outer one where the caller may not ask or the store fails; the inner
    /// one says why it cannot be reached.
    pub async fn check(&self, caller: &Caller, region: &Reference) -> Result<Result<(), TargetError>, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::RegionRead).await?;
        let region = self.find_region(caller, region).await?.region;
        let reconciler = &self.reconciler;
        let target = match reconciler.gateway.open_target(&region).await? {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        };
        let breaker = reconciler.gateway.breaker(region.id);
        // Where it is back, all may go there again.
        let permit = breaker.permit(|| self.kernel.ports.now(), true).await;
        let answer = reconciler.gateway.call(&region, target.check()).await;
        if let Ok(permit) = permit {
            permit.report(&answer, self.kernel.ports.now(), |most| self.kernel.ports.jittered(most));
        }
        Ok(answer)
    }
}

/// An event about a region.
pub(crate) fn region_event(
    authorizer: &Authorizer,
    caller: &Caller,
    action: Action,
    region: &Region,
    detail: Value,
) -> Event {
    let mut event = authorizer.event(caller, action, Outcome::Ok);
    event.region = Some(region.name.to_string());
    if let (Some(Value::Object(all)), Value::Object(detail)) = (&mut event.detail, detail) {
        all.extend(detail);
    }
    event
}
