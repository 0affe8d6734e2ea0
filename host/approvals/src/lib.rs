//! What operators decide about plugins: approved, revoked, rolled back.

#![forbid(unsafe_code)]

pub mod keys;

use std::sync::Arc;

use async_trait::async_trait;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::keys::{Key, Table};
use bursar_kernel::plugin::{Decision, Decisions, Grant, Pin, PluginStatus, Previous, Revocation, State};
use bursar_kernel::store::{Batch, Expect, Store};
use bursar_kernel::{Caller, Error, Kernel, Kind, codec};
use serde_json::{Value, json};

/// [`Decisions`] as the broker keeps them.
pub struct StoredDecisions {
    store: Arc<dyn Store>,
}

impl StoredDecisions {
    /// Those in this store. Does no I/O.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Decisions for StoredDecisions {
    async fn all(&self) -> Result<Vec<Decision>, Error> {
        let records = self.store.scan(&Key::table(Table::PluginGrant).bytes(), &[], usize::MAX).await?;
        records.iter().map(codec::decode).collect()
    }
}

/// The use cases of approvals.
pub struct Approvals {
    kernel: Kernel,
}

impl Approvals {
    /// Decisions in this store. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone() }
    }

    /// Every plugin and how it fares. One id may occur more than once: the one
    /// in force, and what waits or was refused.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for all but operators.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<PluginStatus>, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::PluginRead).await?;
        Ok(self.kernel.ports.plugins().status())
    }

    /// One plugin: the one in force where there is one.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for all but operators, [`Kind::NotFound`].
    pub async fn get(&self, caller: &Caller, id: &str) -> Result<PluginStatus, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::PluginRead).await?;
        self.entries(id)?.into_iter().next().ok_or_else(no_such_plugin)
    }

    /// Grants what a plugin asks for: what waits for it, or else what is in
    /// force. `digest` says which component is meant. It lifts a revocation, and
    /// a rollback from this component.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for all but operators, [`Kind::NotFound`],
    /// [`Kind::Conflict`] where there is nothing to approve.
    pub async fn approve(&self, caller: &Caller, id: &str, digest: Option<&str>) -> Result<PluginStatus, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::PluginApprove).await?;
        let entry = to_approve(&self.entries(id)?, digest)?;
        let facts = json!({"version": entry.version, "may": entry.permissions.words()});
        let grant = Grant {
            permissions: entry.permissions,
            digest: entry.digest.clone(),
            by: caller.actor(),
            at: self.kernel.ports.now(),
        };
        self.decide(caller, Action::PluginApprove, id, &entry.digest, facts, |decision| {
            decision.grant = Some(grant.clone());
            decision.revoked = None;
            decision.pin = decision.pin.take().filter(|pin| pin.digest == grant.digest);
            Ok(())
        })
        .await?;
        let entries = self.entries(id)?;
        let approved = entries.iter().find(|now| now.digest == entry.digest).or(entries.first());
        approved.cloned().ok_or_else(no_such_plugin)
    }

    /// Takes back what a plugin may. It is not called again until somebody
    /// approves it, also where it asks for nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for all but operators, [`Kind::NotFound`],
    /// [`Kind::Conflict`] for a built-in one and for one that is revoked.
    pub async fn revoke(&self, caller: &Caller, id: &str) -> Result<PluginStatus, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::PluginRevoke).await?;
        let entries = self.entries(id)?;
        let Some(entry) = entries.iter().find(|entry| !entry.is_built_in()) else {
            return Err(conflict("it is built in: what is part of Bursar cannot be revoked"));
        };
        let revoked = Revocation { by: caller.actor(), at: self.kernel.ports.now() };
        self.decide(caller, Action::PluginRevoke, id, &entry.digest, json!({}), |decision| {
            if decision.revoked.is_some() {
                return Err(conflict("it is revoked already"));
            }
            *decision = Decision { plugin: id.to_owned(), revoked: Some(revoked.clone()), ..Decision::default() };
            Ok(())
        })
        .await?;
        self.entries(id)?.into_iter().next().ok_or_else(no_such_plugin)
    }

    /// Puts the component in force that was in force before, until its file
    /// holds another one or somebody approves what was set aside. What it asks
    /// for is granted with it.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for all but operators, [`Kind::NotFound`],
    /// [`Kind::Conflict`] where there is none, or it is not `digest`.
    pub async fn roll_back(&self, caller: &Caller, id: &str, digest: Option<&str>) -> Result<PluginStatus, Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::PluginRollback).await?;
        let previous = to_roll_back(self.entries(id)?, digest)?;
        let (by, at) = (caller.actor(), self.kernel.ports.now());
        let facts = json!({"version": previous.version, "setsAside": previous.sets_aside});
        self.decide(caller, Action::PluginRollback, id, &previous.digest, facts, |decision| {
            let asked = &previous.permissions;
            if !decision.grant.as_ref().is_some_and(|grant| grant.permissions.missing(asked).is_empty()) {
                let (permissions, digest) = (asked.clone(), previous.digest.clone());
                decision.grant = Some(Grant { permissions, digest, by: by.clone(), at });
            }
            decision.revoked = None;
            decision.pin = Some(Pin {
                digest: previous.digest.clone(),
                set_aside: previous.sets_aside.clone(),
                by: by.clone(),
                at,
            });
            Ok(())
        })
        .await?;
        self.entries(id)?.into_iter().next().ok_or_else(no_such_plugin)
    }

    fn entries(&self, id: &str) -> Result<Vec<PluginStatus>, Error> {
        let entries: Vec<_> = self.kernel.ports.plugins().status().into_iter().filter(|entry| entry.id == id).collect();
        if entries.is_empty() { Err(no_such_plugin()) } else { Ok(entries) }
    }

    /// Commits a change of what is decided about `id` with its audit event, then
    /// lets the plugin host act on it.
    async fn decide(
        &self,
        caller: &Caller,
        action: Action,
        id: &str,
        digest: &str,
        mut facts: Value,
        change: impl Fn(&mut Decision) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let key = keys::plugin_grant(self.kernel.ports.blind(), id);
        facts["id"] = id.into();
        facts["digest"] = digest.into();
        facts["token"] = json!(caller.token);
        let kernel = &self.kernel;
        let mut retry = kernel.journal.retry(&key);
        loop {
            retry.next().await?;
            let (expect, mut decision) = match kernel.ports.store().get(&key).await? {
                Some(record) => (Expect::At(record.revision), codec::decode(&record)?),
                None => (Expect::Absent, Decision { plugin: id.to_owned(), ..Decision::default() }),
            };
            change(&mut decision)?;
            let batch = Batch::default().put(key.clone(), expect, codec::encode(&decision)?).event(Event {
                plugin: Some(format!("{id}@{digest}")),
                detail: Some(facts.clone()),
                ..kernel.authorizer.event(caller, action, Outcome::Ok)
            });
            if retry.commit(batch).await?.is_some() {
                kernel.ports.plugins().decided().await;
                return Ok(());
            }
        }
    }
}

fn to_approve(entries: &[PluginStatus], digest: Option<&str>) -> Result<PluginStatus, Error> {
    let waits = |entry: &PluginStatus| matches!(entry.state, State::Pending | State::NeedsReview);
    let chosen = match digest {
        Some(digest) => entries.iter().find(|entry| entry.digest == digest),
        None => entries.iter().find(|entry| waits(entry)).or(entries.first()),
    };
    let Some(entry) = chosen else {
        let known: Vec<&str> =
            entries.iter().map(|entry| entry.digest.as_str()).filter(|one| !one.is_empty()).collect();
        return Err(conflict(&format!("this is not the component that is there: that is {}", known.join(", "))));
    };
    match entry.state {
        State::Active if entry.is_built_in() => Err(conflict("it is built in and needs no approval")),
        State::Active | State::Pending | State::NeedsReview => Ok(entry.clone()),
        State::Compiling => Err(conflict("it is still being compiled: try again in a moment")),
        State::Removed => Err(conflict("its file was removed: put it back first")),
        State::Rejected => {
            let reason = entry.reason.as_deref().unwrap_or("see its reason");
            Err(conflict(&format!("it is rejected, which no approval changes: {reason}")))
        }
    }
}

fn to_roll_back(entries: Vec<PluginStatus>, digest: Option<&str>) -> Result<Previous, Error> {
    if entries.iter().any(|entry| entry.pinned) {
        return Err(conflict("it is rolled back already: approving what was set aside undoes that"));
    }
    let Some(previous) = entries.into_iter().find_map(|entry| entry.previous) else {
        return Err(conflict("no earlier component of it is kept here"));
    };
    if digest.is_some_and(|digest| digest != previous.digest) {
        let told = format!("this is not the component that was in force before: that is {}", previous.digest);
        return Err(conflict(&told));
    }
    Ok(previous)
}

fn no_such_plugin() -> Error {
    Error::not_found("plugin")
}

fn conflict(why: &str) -> Error {
    Error::new(Kind::Conflict, why)
}
