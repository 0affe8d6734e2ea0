//! Changing a region: operators' business.

use bursar_kernel::audit::Action;
use bursar_kernel::id::Reference;
use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{Caller, Error, IfMatch, Kind, Notice, Retry, Submitted, Violation, codec, name_taken, parse_name};
use serde_json::{Value, json};

use crate::administer::region_event;
use crate::show::{FoundRegion, RegionView, no_such_region};
use crate::{Region, Regions, Setting, UpdateRegion, keys};

impl Regions {
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
    pub async fn update(
        &self,
        caller: &Caller,
        region: &Reference,
        submitted: Submitted<UpdateRegion>,
        force: bool,
        if_match: Option<IfMatch>,
    ) -> Result<RegionView, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::RegionUpdate).await?;
        let id = Reference::Id(self.find_region(caller, region).await?.region.id.0);
        let mut retry = self.kernel.journal.retry(&Key::table(Table::Region).bytes());
        loop {
            retry.next().await?;
            let found = self.find_region(caller, &id).await?;
            IfMatch::check(if_match.as_ref(), Some(found.revision))?;
            let new = self.patched(&found.region, submitted.clone()).await?;
            if new == found.region {
                return self.region_view(caller, found).await;
            }
            let detail = json!({ "changed": changed(&found.region, &new) });
            if let Some(view) = self.replace(caller, &retry, found, new, detail, force).await? {
                return Ok(view);
            }
        }
    }

    /// The region as a patch makes it.
    async fn patched(&self, old: &Region, mut submitted: Submitted<UpdateRegion>) -> Result<Region, Error> {
        let mut violations = submitted.command().validate(&old.target);
        let mut new = old.clone();
        let patch = submitted.command();
        if let Some(name) = patch.name.as_deref().and_then(|name| parse_name(name, "/name").ok()) {
            new.name = name;
        }
        new.title = patch.title.clone().unwrap_or(new.title);
        new.drift = patch.drift.unwrap_or(new.drift);
        new.accounts = match &patch.accounts {
            Some(Some(named)) => Some(self.accounts_named(named, &mut violations).await?),
            Some(None) => None,
            None => new.accounts,
        };
        if let Some(login) = &patch.login {
            new.login = self.chosen_login(&new.target, login, &mut violations).await?;
        }
        if let Some(settings) = patch.settings.as_ref().filter(|_| !submitted.is_wrong("/settings")) {
            json_patch::merge(new.settings.expose_mut(), settings.expose());
            violations.extend(self.complaints(&new.target, &new.settings));
        }
        submitted.complain(violations);
        submitted.accept()?;
        self.stays_in_sight(old, &new).await?;
        Ok(new)
    }

    /// Refuses a change of where things are while credentials are there: what is
    /// there would be lost sight of.
    async fn stays_in_sight(&self, old: &Region, new: &Region) -> Result<(), Error> {
        let moves = |setting: &&Setting| {
            let member = |of: &Region| of.settings.expose().get(&setting.name).cloned();
            setting.moves && member(new) != member(old)
        };
        let kind = self.reconciler.gateway.kind_of(old);
        let changed: Vec<_> = kind.into_iter().flat_map(|kind| kind.settings.iter()).filter(moves).collect();
        if changed.is_empty() || !self.reconciler.records.is_anything_placed(old.id).await? {
            return Ok(());
        }
        let message = "This decides where things are, and credentials are there: drain the region first, or make another \
                       one.";
        let violation = |setting: &&Setting| Violation::new(format!("/settings/{}", setting.name), "in-use", message);
        Err(Error { kind: Kind::Conflict, ..Error::invalid(changed.iter().map(violation).collect()) })
    }

    /// Commits a region's new form. `None` where another writer was faster.
    pub(crate) async fn replace(
        &self,
        caller: &Caller,
        retry: &Retry<'_>,
        found: FoundRegion,
        mut new: Region,
        mut detail: Value,
        force: bool,
    ) -> Result<Option<RegionView>, Error> {
        let old = found.region;
        let ports = &self.kernel.ports;
        new.updated_at = ports.now();
        // Whoever attaches it meanwhile writes this.
        let named = ports.store().get(&keys::region_name(ports.blind(), old.name.as_str())).await?;
        let named = named.ok_or_else(no_such_region)?;
        let mut batch = Batch::default().put(keys::region(new.id), Expect::At(found.revision), codec::encode(&new)?);
        if new.name != old.name {
            let name_key = keys::region_name(ports.blind(), new.name.as_str());
            if ports.store().get(&name_key).await?.is_some() {
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
        let event = region_event(&self.kernel.authorizer, caller, Action::RegionUpdate, &new, detail);
        let Some(revision) = retry.commit(batch.event(event)).await? else { return Ok(None) };
        // Those who knew of it before are told too.
        self.announce(&old);
        if new.accounts != old.accounts {
            self.announce(&new);
        }
        for account in shut_out {
            ports.tell(&Notice::Account(account));
        }
        self.region_view(caller, FoundRegion { region: new, revision }).await.map(Some)
    }
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
