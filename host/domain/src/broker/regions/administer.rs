//! Making, changing and removing regions: operators' business.

use serde_json::{Value, json};

use super::super::accounts::{name_taken, overtaken};
use super::super::idempotency::gone;
use super::super::{Broker, Created, IdempotencyKey, Page, codec, page};
use super::show::{FoundRegion, RegionView, may_know};
use crate::access::Caller;
use crate::audit::{Action, Outcome};
use crate::credential::Credential;
use crate::id::{Reference, RegionId};
use crate::keys::{self, Key, Table};
use crate::region::{
    LoginDraft, LoginReference, Mode, Notice, Region, RegionDraft, RegionPatch, TargetError, TargetKind,
};
use crate::secret::SecretJson;
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, IfMatch, Kind, Violation};

impl Broker {
    /// The kinds of targets a region can have.
    #[must_use]
    pub fn region_targets(&self) -> &'static [TargetKind] {
        self.regions.ports.targets.kinds()
    }

    /// A page of the regions, oldest first.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for those who only use what they are bound to.
    pub async fn list_regions(
        &self,
        caller: &Caller,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<RegionView>, Error> {
        self.may_see_regions(caller).await?;
        let mut after = page::after(cursor)?.map(|id| keys::region(RegionId(id))).unwrap_or_default();
        let mut views = Vec::new();
        while views.len() <= limit {
            let records = self.store().scan(&Key::table(Table::Region).bytes(), &after, limit + 1).await?;
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
    pub async fn create_region(
        &self,
        caller: &Caller,
        body: Value,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<RegionView>, Error> {
        self.authorize_operator(caller, Action::RegionCreate).await?;
        if let Some(earlier) = self.replayed(caller, key).await? {
            return self.replay_region(caller, earlier).await;
        }
        let (draft, mut violations) = RegionDraft::read(body);
        let login = self.judge_login(&draft.target, &draft.login, &mut violations).await?;
        self.judge_settings(&draft.target, &draft.settings, &mut violations);
        let accounts = match &draft.accounts {
            Some(named) => Some(self.judge_accounts(named, &mut violations).await?),
            None => None,
        };
        let (Some(name), true) = (draft.name, violations.is_empty()) else { return Err(Error::invalid(violations)) };
        let now = self.now();
        let region = Region {
            id: RegionId(self.new_id()),
            name,
            title: draft.title,
            target: draft.target,
            settings: draft.settings,
            login,
            drift: draft.drift,
            mode: Mode::Active,
            accounts,
            created_at: now,
            updated_at: now,
        };
        let name_key = keys::region_name(self.blind(), region.name.as_str());
        let mut attempts = self.attempts(&name_key);
        while attempts.again().await {
            let is_taken = self.store().get(&name_key).await?.is_some();
            if let Some(earlier) = self.replayed(caller, key).await? {
                return self.replay_region(caller, earlier).await;
            }
            if is_taken {
                return Err(name_taken());
            }
            let batch = Batch::default()
                .put(keys::region(region.id), Expect::Absent, codec::encode(&region)?)
                .put(name_key.clone(), Expect::Absent, codec::encode(&region.id)?)
                .event(self.region_event(caller, Action::RegionCreate, &region, json!({ "target": region.target })));
            match self.store().commit(self.keep(batch, caller, key, region.id.0)?).await {
                Ok(revision) => {
                    self.tell_region(&region);
                    let value = self.region_view(caller, FoundRegion { region, revision }).await?;
                    return Ok(Created { value, replayed: false });
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    async fn replay_region(&self, caller: &Caller, id: uuid::Uuid) -> Result<Created<RegionView>, Error> {
        let found = self.find_region(caller, &Reference::Id(id)).await.map_err(|_| gone())?;
        Ok(Created { value: self.region_view(caller, found).await?, replayed: true })
    }

    /// Applies a merge patch (RFC 7396). Settings that decide where things are
    /// can be changed only while nothing of ours is there. By force it is
    /// detached from accounts that use it and may not any more.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, [`Kind::Stale`] where
    /// `if_match` names another revision, [`Kind::Conflict`] where the name is
    /// taken, what is there would be lost sight of, or accounts use it that it
    /// would not be open to any more.
    pub async fn update_region(
        &self,
        caller: &Caller,
        region: &Reference,
        body: Value,
        force: bool,
        if_match: Option<IfMatch>,
    ) -> Result<RegionView, Error> {
        self.authorize_operator(caller, Action::RegionUpdate).await?;
        let id = Reference::Id(self.find_region(caller, region).await?.region.id.0);
        let mut attempts = self.attempts(&Key::table(Table::Region).bytes());
        while attempts.again().await {
            let found = self.find_region(caller, &id).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let new = self.patched(&found.region, body.clone()).await?;
            if new == found.region {
                return self.region_view(caller, found).await;
            }
            let detail = json!({ "changed": changed(&found.region, &new) });
            match self.replace_region(caller, found, new, detail, force).await {
                Err(error) if is_a_race(&error) => {}
                done => return done,
            }
        }
        Err(overtaken())
    }

    /// Pauses a region, has it emptied, or has it kept in place again.
    ///
    /// # Errors
    ///
    /// Not found, or not an operator.
    pub async fn set_region_mode(&self, caller: &Caller, region: &Reference, mode: Mode) -> Result<RegionView, Error> {
        self.authorize_operator(caller, Action::RegionUpdate).await?;
        let mut attempts = self.attempts(&Key::table(Table::Region).bytes());
        while attempts.again().await {
            let found = self.find_region(caller, region).await?;
            if found.region.mode == mode {
                return self.region_view(caller, found).await;
            }
            let new = Region { mode, ..found.region.clone() };
            match self.replace_region(caller, found, new, json!({ "mode": mode }), false).await {
                Err(error) if is_a_race(&error) => {}
                done => return done,
            }
        }
        Err(overtaken())
    }

    /// Removes a region that no account uses. By force also one that accounts
    /// use: what is there then stays, and is nobody's.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] with the accounts that use it.
    pub async fn delete_region(
        &self,
        caller: &Caller,
        region: &Reference,
        force: bool,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        self.authorize_operator(caller, Action::RegionDelete).await?;
        let mut attempts = self.attempts(&Key::table(Table::Region).bytes());
        while attempts.again().await {
            let FoundRegion { region, revision } = self.find_region(caller, region).await?;
            IfMatch::check(if_match.as_ref(), Some(revision))?;
            // Whoever attaches it meanwhile writes this.
            let name = self.store().get(&keys::region_name(self.blind(), region.name.as_str())).await?;
            let name = name.ok_or_else(super::show::no_such_region)?;
            let attachments = self.attachments_of(region.id).await?;
            if !force && !attachments.is_empty() {
                let conflicts = self.conflicts_with(&region, &attachments).await?;
                let message = "accounts use this region: detach it from them first, or delete it by force, which leaves \
                               what is there";
                return Err(Error { conflicts, ..Error::new(Kind::Conflict, message) });
            }
            let detail = json!({ "accounts": attachments.len() });
            let event = self.region_event(caller, Action::RegionDelete, &region, detail);
            let mut batch = Batch::default();
            for (attachment, revision) in &attachments {
                batch = batch.delete(keys::attachment(attachment.account, region.id), Expect::At(*revision));
            }
            // What is recorded of its pairs is forgotten by the next walk.
            let mut batch = self
                .commit_front(batch, &event)
                .await?
                .delete(name.key, Expect::At(name.revision))
                .delete(keys::region(region.id), Expect::At(revision))
                .event(event);
            for (attachment, _) in &attachments {
                let mut event = self.region_event(caller, Action::RegionDetach, &region, json!({ "abandoned": true }));
                event.account = Some(attachment.account);
                batch = batch.event(event);
            }
            match self.store().commit(batch).await {
                Ok(_) => {
                    self.regions.forget(region.id);
                    self.tell_region(&region);
                    for (attachment, _) in attachments {
                        self.tell(&Notice::Account(attachment.account));
                    }
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Whether a region's target can be reached and lets us in, now.
    ///
    /// # Errors
    ///
    /// The outer one where the caller may not ask or the store fails; the inner
    /// one says why it cannot be reached.
    pub async fn check_region(&self, caller: &Caller, region: &Reference) -> Result<Result<(), TargetError>, Error> {
        self.authorize_operator(caller, Action::RegionRead).await?;
        let region = self.find_region(caller, region).await?.region;
        let target = match self.open_target(&region).await? {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        };
        let gate = self.regions.gate(region.id);
        // Where it is back, all may go there again.
        let pass = gate.pass(|| self.now(), true).await;
        let answer = self.call(&region, target.check()).await;
        if let Ok(pass) = pass {
            pass.tell(&answer, self.now(), |most| self.jittered(most));
        }
        Ok(answer)
    }

    /// The region as a patch makes it.
    async fn patched(&self, old: &Region, body: Value) -> Result<Region, Error> {
        let (patch, mut violations) = RegionPatch::read(body, &old.target);
        let mut new = old.clone();
        new.name = patch.name.unwrap_or(new.name);
        new.title = patch.title.unwrap_or(new.title);
        new.drift = patch.drift.unwrap_or(new.drift);
        new.accounts = match &patch.accounts {
            Some(Some(named)) => Some(self.judge_accounts(named, &mut violations).await?),
            Some(None) => None,
            None => new.accounts,
        };
        if let Some(login) = &patch.login {
            new.login = self.judge_login(&new.target, login, &mut violations).await?;
        }
        if let Some(settings) = &patch.settings {
            json_patch::merge(new.settings.expose_mut(), settings.expose());
            self.judge_settings(&new.target, &new.settings, &mut violations);
            let moves = |setting: &&crate::region::Setting| {
                let member = |of: &Region| of.settings.expose().get(&setting.name).cloned();
                setting.moves && member(&new) != member(old)
            };
            let kind = self.kind_of(old);
            let there: Vec<_> = kind.into_iter().flat_map(|kind| kind.settings.iter()).filter(moves).collect();
            if !there.is_empty() && violations.is_empty() && self.is_anything_placed(old.id).await? {
                let message = "This decides where things are, and credentials are there: drain the region first, or \
                               make another one.";
                let violation = |setting: &&crate::region::Setting| {
                    Violation::new(format!("/settings/{}", setting.name), "in-use", message)
                };
                let violations = there.iter().map(violation).collect();
                return Err(Error { kind: Kind::Conflict, ..Error::invalid(violations) });
            }
        }
        if violations.is_empty() { Ok(new) } else { Err(Error::invalid(violations)) }
    }

    /// Commits a region's new form.
    async fn replace_region(
        &self,
        caller: &Caller,
        found: FoundRegion,
        mut new: Region,
        mut detail: Value,
        force: bool,
    ) -> Result<RegionView, Error> {
        let old = found.region;
        new.updated_at = self.now();
        // Whoever attaches it meanwhile writes this.
        let named = self.store().get(&keys::region_name(self.blind(), old.name.as_str())).await?;
        let named = named.ok_or_else(super::show::no_such_region)?;
        let mut batch = Batch::default().put(keys::region(new.id), Expect::At(found.revision), codec::encode(&new)?);
        if new.name != old.name {
            let name_key = keys::region_name(self.blind(), new.name.as_str());
            if self.store().get(&name_key).await?.is_some() {
                return Err(name_taken());
            }
            batch = batch.delete(named.key, Expect::At(named.revision));
            batch = batch.put(name_key, Expect::Absent, codec::encode(&new.id)?);
        } else if new.accounts != old.accounts {
            batch = batch.require(named.key, Expect::At(named.revision));
        }
        let mut shut_out = Vec::new();
        if new.accounts != old.accounts {
            (batch, shut_out) = self.shut_out(caller, &new, force, batch).await?;
            detail["detached"] = json!(shut_out.len());
        }
        let event = self.region_event(caller, Action::RegionUpdate, &new, detail);
        let revision = self.store().commit(batch.event(event)).await?;
        // Those who knew of it before are told too.
        self.tell_region(&old);
        if new.accounts != old.accounts {
            self.tell_region(&new);
        }
        for account in shut_out {
            self.tell(&Notice::Account(account));
        }
        self.region_view(caller, FoundRegion { region: new, revision }).await
    }

    fn judge_settings(&self, target: &str, settings: &SecretJson, violations: &mut Vec<Violation>) {
        // Nothing more can be said of what is not there, or no object.
        if target.is_empty() || violations.iter().any(|violation| violation.pointer == "/settings") {
            return;
        }
        let targets = &self.regions.ports.targets;
        if targets.kinds().iter().all(|kind| kind.id != target) {
            let known: Vec<&str> = targets.kinds().iter().map(|kind| kind.id).collect();
            let message = format!("There is no such kind of target: choose of {}.", known.join(", "));
            violations.push(Violation::new("/target", "unknown", message));
            return;
        }
        violations.extend(
            self.complaints(target, settings)
                .into_iter()
                .map(|violation| Violation { pointer: format!("/settings{}", violation.pointer), ..violation }),
        );
    }

    async fn judge_login(
        &self,
        target: &str,
        login: &LoginDraft,
        violations: &mut Vec<Violation>,
    ) -> Result<Option<LoginReference>, Error> {
        let LoginDraft::Credential { account, credential } = login else { return Ok(None) };
        let mut complain = |pointer, code, message: String| violations.push(Violation::new(pointer, code, message));
        if self.region_targets().iter().any(|kind| kind.id == target && !kind.takes_login) {
            complain("/login", "unsupported", "This kind of target takes no login: its settings say all.".to_owned());
            return Ok(None);
        }
        let Some(account) = self.find_account(&Reference::from(account.as_str())).await? else {
            complain("/login/account", "unknown", "There is no such account.".to_owned());
            return Ok(None);
        };
        let found = self.credential_by_reference(&account, &Reference::from(credential.as_str())).await?;
        let Some(found) = found.filter(|found| found.deleted_at.is_none()) else {
            complain("/login/credential", "unknown", "There is no such credential in that account.".to_owned());
            return Ok(None);
        };
        if let Err(why) = self.can_sign_in(&found) {
            complain("/login/credential", "unsupported", format!("This credential {why}."));
            return Ok(None);
        }
        Ok(Some(LoginReference { account: account.id, credential: found.id }))
    }

    async fn credential_by_reference(
        &self,
        account: &crate::access::Account,
        credential: &Reference,
    ) -> Result<Option<Credential>, Error> {
        let id = match credential {
            Reference::Id(id) => crate::id::CredentialId(*id),
            Reference::Name(name) => {
                let key = keys::credential_name(self.blind(), account.id, name);
                match self.store().get(&key).await? {
                    Some(index) => codec::decode(&index)?,
                    None => return Ok(None),
                }
            }
        };
        let key = keys::of_credential(Table::Credential, account.id, id);
        self.store().get(&key).await?.as_ref().map(codec::decode).transpose()
    }

    pub(super) fn region_event(
        &self,
        caller: &Caller,
        action: Action,
        region: &Region,
        detail: Value,
    ) -> crate::audit::Event {
        let mut event = self.event(caller, action, Outcome::Ok);
        event.region = Some(region.name.to_string());
        if let (Some(Value::Object(all)), Value::Object(detail)) = (&mut event.detail, detail) {
            all.extend(detail);
        }
        event
    }
}

/// Whether the record was changed meanwhile: what is refused for a reason tells
/// it.
fn is_a_race(error: &Error) -> bool {
    error.kind == Kind::Conflict && error.violations.is_empty() && error.conflicts.is_empty()
}

/// Names of the parts that differ.
fn changed(old: &Region, new: &Region) -> Vec<&'static str> {
    let parts = [
        ("name", old.name != new.name),
        ("title", old.title != new.title),
        ("settings", old.settings != new.settings),
        ("login", old.login != new.login),
        ("drift", old.drift != new.drift),
        ("accounts", old.accounts != new.accounts),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
