//! How a settling ends: the outcome is committed with its event, then told.

use serde_json::{Value, json};

use super::super::credentials::Found;
use super::super::{Broker, codec};
use super::attachments::CHUNK;
use super::gate::{Open, next_try};
use super::push::{Content, Errand, on_the_same_ground};
use super::settle::{Known, Overtaken, REMOVAL, Settled, Settling, is_passing, waiting};
use super::wanted::{Ground, Put};
use crate::Error;
use crate::audit::{Action, Event, Outcome};
use crate::keys::{self, Table};
use crate::region::{
    Done, Failure, Notice, Owner, Pair, Placement, PlacementNotice, Removal, SyncState, Target, TargetError,
};
use crate::store::{Batch, Error as StoreError, Expect};

impl Broker {
    /// It was put there.
    #[expect(clippy::too_many_arguments, reason = "the outcome of one push; each argument is a part of it")]
    pub(super) async fn pushed(
        &self,
        errand: &Errand<'_>,
        mut known: Known,
        put: &Put,
        content: &str,
        target: &dyn Target,
        receipt: Value,
        repair: bool,
    ) -> Result<Settled, Error> {
        // What was there of this version before says nothing of how long it took.
        let newer = known.placement.version != errand.found.as_ref().map(|found| found.credential.version);
        let lag = (newer && !repair).then(|| self.lag(errand)).flatten();
        let failures = failures(&known.placement, &put.input);
        if let Some(newest) = known.placement.places.last_mut() {
            newest.receipt = Some(receipt).filter(|receipt| !receipt.is_null());
        }
        if known.placement.places.len() > 1 {
            self.record(self.removal_event(errand, &known.placement, 1)).await?;
        }
        self.in_place(&mut known.placement, errand, put, content);
        let left = self.remove_old_places(errand, &mut known.placement, put, target, failures).await;
        let event = self.outcome_event(errand, &known.placement, put, "put", left.as_ref());
        self.write(errand, &known, event).await?;
        self.tell_placement(errand, &known.placement, Done::Pushed(lag));
        Ok(left.map_or(Settled::Pushed, |error| self.failed(&known.placement, &error)))
    }

    /// It was there already.
    pub(super) async fn found_in_place(
        &self,
        errand: &Errand<'_>,
        mut known: Known,
        put: &Put,
        content: &Content,
        target: &dyn Target,
    ) -> Result<Settled, Error> {
        let settled = known.placement.is_settled(&put.input) && known.placement.places.len() < 2;
        if settled && !errand.how.eager {
            return Ok(Settled::Unchanged);
        }
        let failures = failures(&known.placement, &put.input);
        if known.placement.places.len() > 1 {
            // Others keep off until it is done.
            let placement =
                Placement { attempt: Some(self.attempt()), state: SyncState::Syncing, ..known.placement.clone() };
            let batch = Batch::default().put(keys::placed(errand.pair), known.expect, codec::encode(&placement)?);
            let event = self.removal_event(errand, &placement, 1);
            let revision = self.store().commit(on_the_same_ground(errand, batch).event(event)).await?;
            known = Known { placement, expect: Expect::At(revision) };
        }
        self.in_place(&mut known.placement, errand, put, content.fingerprint());
        let left = self.remove_old_places(errand, &mut known.placement, put, target, failures).await;
        let event = self.outcome_event(errand, &known.placement, put, "none", left.as_ref());
        self.write(errand, &known, event).await?;
        self.tell_placement(errand, &known.placement, Done::Found);
        Ok(left.map_or(Settled::Unchanged, |error| self.failed(&known.placement, &error)))
    }

    /// Somebody changed it, and the policy is to tell.
    pub(super) async fn drifted(
        &self,
        errand: &Errand<'_>,
        mut known: Known,
        put: &Put,
        what: &str,
    ) -> Result<Settled, Error> {
        if known.placement.state == SyncState::Drifted {
            return Ok(Settled::Drifted);
        }
        let now = self.now();
        let message = format!("{what} there: sync it to put it right");
        let failure = Failure {
            message,
            reason: "drifted".to_owned(),
            wish: put.input.clone(),
            at: now,
            failures: 0,
            due_at: now,
        };
        known.placement.state = SyncState::Drifted;
        known.placement.reported = true;
        known.placement.doubtful = false;
        known.placement.failure = Some(failure);
        let mut event =
            self.pair_event(errand, &known.placement, Action::CredentialSync, json!({ "reason": "drifted" }));
        event.outcome = Outcome::Failed;
        self.write(errand, &known, event).await?;
        self.tell_placement(errand, &known.placement, Done::Drifted);
        Ok(Settled::Drifted)
    }

    /// It failed. `untouched` is how the placement was, where nothing can have
    /// been written.
    pub(super) async fn fail_pair(
        &self,
        errand: &Errand<'_>,
        known: Known,
        error: &TargetError,
        wish: &str,
        untouched: Option<&Placement>,
    ) -> Result<Settled, Error> {
        let now = self.now();
        let failures = failures(&known.placement, wish);
        let due_at = next_try(now, failures, error, |most| self.jittered(most));
        let failure = Failure {
            message: error.to_string(),
            reason: error.word().to_owned(),
            wish: wish.to_owned(),
            at: now,
            failures: failures.saturating_add(1),
            due_at,
        };
        let base = untouched.unwrap_or(&known.placement).clone();
        let placement = Placement { state: SyncState::Error, failure: Some(failure), attempt: None, ..base };
        let known = Known { placement, ..known };
        let mut event = self.pair_event(
            errand,
            &known.placement,
            Action::CredentialSync,
            json!({ "reason": error.word(), "message": error.to_string(), "failures": failures + 1 }),
        );
        event.version = errand.found.as_ref().map(|found| found.credential.version);
        event.outcome = if matches!(error, TargetError::Foreign(_)) { Outcome::Denied } else { Outcome::Failed };
        self.write(errand, &known, event).await?;
        self.tell_placement(errand, &known.placement, Done::Failed(error.word().to_owned()));
        Ok(self.failed(&known.placement, error))
    }

    /// A renamed credential finds its new place taken. Where another credential
    /// of the account has it, which may wait for our old one in turn, the old one
    /// is given up; else it is better than nothing.
    #[expect(clippy::too_many_arguments, reason = "the outcome of one push; each argument is a part of it")]
    pub(super) async fn make_way(
        &self,
        errand: &Errand<'_>,
        mut before: Placement,
        mine: Known,
        put: &Put,
        place: &str,
        error: &TargetError,
        target: &dyn Target,
    ) -> Result<Settled, Error> {
        let known = before.failure.as_ref().filter(|failure| failure.wish == put.input);
        // Once is enough: who has it is one of ours then or never.
        let looked_for = known.is_some_and(|failure| failure.reason == error.word());
        // Of a renamed account nothing stands where others of it are to go.
        let account_name = errand.ground.account.name.as_str();
        let renamed_itself = before.places.iter().any(|old| old.place != place && old.account_name == account_name);
        if !looked_for && renamed_itself && self.is_held_by_another(errand.pair, place).await? {
            self.record(self.removal_event(errand, &before, 0)).await?;
            if let Err(error) = self.remove_all(errand, &mut before, target, 0).await {
                return self.fail_pair(errand, mine, &error, &put.input, Some(&before)).await;
            }
            before.content.clear();
            before.input.clear();
        }
        self.fail_pair(errand, mine, error, &put.input, Some(&before)).await
    }

    async fn is_held_by_another(&self, pair: Pair, place: &str) -> Result<bool, Error> {
        let mut after = Vec::new();
        loop {
            let records = self.store().scan(&keys::of_account(Table::Placed, pair.account), &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(false) };
            after.clone_from(&last.key);
            for record in &records {
                let other = keys::pair_placed(&record.key);
                let elsewhere = other.is_none_or(|other| other.region != pair.region || other == pair);
                if !elsewhere && codec::decode::<Placement>(record)?.places.iter().any(|known| known.place == place) {
                    return Ok(true);
                }
            }
        }
    }

    /// The target is down, so it was not tried: said once, until something is well.
    pub(super) async fn keep_off(
        &self,
        errand: &Errand<'_>,
        known: Known,
        open: &Open,
        wish: &str,
    ) -> Result<Settled, Error> {
        let kept_off = Settled::from(open.clone());
        if known.placement.state == SyncState::Error {
            return Ok(kept_off);
        }
        let error = &open.error;
        let failure = Failure {
            message: error.to_string(),
            reason: error.word().to_owned(),
            wish: wish.to_owned(),
            at: self.now(),
            failures: 0,
            // It was not tried: it is as soon as anybody is let through.
            due_at: self.now(),
        };
        let placement = Placement { state: SyncState::Error, failure: Some(failure), attempt: None, ..known.placement };
        let known = Known { placement, ..known };
        let detail = json!({ "reason": error.word(), "tried": false });
        let mut event = self.pair_event(errand, &known.placement, Action::CredentialSync, detail);
        event.outcome = Outcome::Failed;
        self.write(errand, &known, event).await?;
        self.tell_placement(errand, &known.placement, Done::Failed(error.word().to_owned()));
        Ok(kept_off)
    }

    /// Brings a pair to where nothing of ours is there, or nothing we look after.
    pub(super) async fn settle_gone(
        &self,
        pair: Pair,
        ground: &Ground,
        found: Option<&Found>,
        known: Known,
        keep: bool,
        how: &Settling,
    ) -> Result<Settled, Error> {
        if known.expect == Expect::Absent {
            return Ok(Settled::Removed);
        }
        let errand = Errand::new(pair, ground.clone(), found.cloned(), how);
        if keep || known.placement.places.is_empty() {
            let change = if known.placement.places.is_empty() { "none" } else { "kept" };
            return self.gone(&errand, &known, change).await;
        }
        if let Some(failed) = waiting(&known.placement, ground, REMOVAL, self.now(), how) {
            return Ok(failed);
        }
        let gate = self.regions.gate(pair.region);
        let pass = match gate.pass(|| self.now(), how.eager).await {
            Ok(pass) => pass,
            Err(open) => return self.keep_off(&errand, known, &open, REMOVAL).await,
        };
        let target = match self.open_target(&ground.region).await? {
            Ok(target) => target,
            Err(error) => return self.fail_pair(&errand, known, &error, REMOVAL, None).await,
        };
        let placement = self.intended_placement(&known.placement, REMOVAL);
        let event = self.removal_event(&errand, &placement, 0);
        let credential = found.map_or(Expect::Absent, |found| Expect::At(found.revision));
        let batch = Batch::default()
            .put(keys::placed(pair), known.expect, codec::encode(&placement)?)
            // One that is restored meanwhile stays.
            .require(keys::of_credential(Table::Credential, pair.account, pair.credential), credential);
        let revision = self.store().commit(on_the_same_ground(&errand, batch).event(event)).await?;
        self.tell_placement(&errand, &placement, Done::Began);
        let mut known = Known { placement, expect: Expect::At(revision) };
        let answer = self.remove_all(&errand, &mut known.placement, &*target, 0).await;
        pass.tell(&answer, self.now(), |most| self.jittered(most));
        match answer {
            Ok(()) => self.gone(&errand, &known, "removed").await,
            Err(error) => self.fail_pair(&errand, known, &error, REMOVAL, None).await,
        }
    }

    /// Deletes the placement of a pair whose account or region is gone: nobody
    /// could reach what is there.
    pub(super) async fn forget_placement(&self, pair: Pair, known: &Known) -> Result<Settled, Error> {
        if known.expect == Expect::Absent {
            return Ok(Settled::Unchanged);
        }
        self.regions.forget(pair.region);
        let places: Vec<&str> = known.placement.places.iter().map(|place| place.place.as_str()).collect();
        let mut event = self.system_event(Action::Housekeeping);
        event.account = Some(pair.account);
        event.credential = Some(pair.credential);
        event.detail = Some(json!({ "forgotten": "placement", "region": pair.region, "places": places }));
        self.store().commit(Batch::default().delete(keys::placed(pair), known.expect).event(event)).await?;
        Ok(Settled::Removed)
    }

    /// Tells how a pair stands now.
    pub(super) fn tell_placement(&self, errand: &Errand<'_>, placement: &Placement, done: Done) {
        let gone = done == Done::Removed;
        self.tell(&Notice::Placement(PlacementNotice {
            account: errand.pair.account,
            credential: errand.pair.credential,
            credential_name: errand.credential_name(placement),
            region: errand.region().to_owned(),
            state: (!gone).then_some(placement.state),
            version: placement.version,
            synced_at: placement.synced_at,
            error: placement.failure.as_ref().map(|failure| failure.message.clone()),
            done,
        }));
    }

    fn in_place(&self, placement: &mut Placement, errand: &Errand<'_>, put: &Put, content: &str) {
        placement.state = SyncState::Synced;
        placement.version = errand.found.as_ref().map(|found| found.credential.version);
        placement.synced_at = Some(self.now());
        placement.failure = None;
        placement.input.clone_from(&put.input);
        placement.form.clone_from(&put.form);
        placement.reported = false;
        placement.doubtful = false;
        content.clone_into(&mut placement.content);
        placement.attempt = None;
        placement.begun_for.clear();
    }

    /// Removes what stands under older names. Where that fails the pair is in
    /// error, although the newest is in place. `failures` of this wish came before.
    async fn remove_old_places(
        &self,
        errand: &Errand<'_>,
        placement: &mut Placement,
        put: &Put,
        target: &dyn Target,
        failures: u32,
    ) -> Option<TargetError> {
        let error = self.remove_all(errand, placement, target, 1).await.err()?;
        let now = self.now();
        placement.state = SyncState::Error;
        placement.failure = Some(Failure {
            message: format!("it is in place, but what stands under its old name could not be removed: {error}"),
            reason: error.word().to_owned(),
            wish: put.input.clone(),
            at: now,
            failures: failures.saturating_add(1),
            due_at: next_try(now, failures, &error, |most| self.jittered(most)),
        });
        Some(error)
    }

    /// That all places but the newest `kept` are to be removed: on record before
    /// the target hears of it.
    fn removal_event(&self, errand: &Errand<'_>, placement: &Placement, kept: usize) -> Event {
        let old = &placement.places[..placement.places.len().saturating_sub(kept)];
        let places: Vec<&str> = old.iter().map(|place| place.place.as_str()).collect();
        self.pair_event(errand, placement, Action::RegionRemove, json!({ "places": places }))
    }

    /// Removes all places but the newest `kept`, oldest first.
    async fn remove_all(
        &self,
        errand: &Errand<'_>,
        placement: &mut Placement,
        target: &dyn Target,
        kept: usize,
    ) -> Result<(), TargetError> {
        while placement.places.len() > kept {
            let old = placement.places[0].clone();
            let removal = Removal {
                owner: Owner {
                    account_name: old.account_name,
                    ..self.owner(&errand.ground, errand.pair, &old.credential_name)
                },
                idempotency_key: self.idempotency_of(errand, placement, Some(&old.place)),
            };
            self.call(&errand.ground.region, target.remove(&old.place, &removal, old.receipt.as_ref())).await?;
            placement.places.remove(0);
        }
        Ok(())
    }

    /// What a push came to, and whether all that stood elsewhere is gone.
    fn outcome_event(
        &self,
        errand: &Errand<'_>,
        placement: &Placement,
        put: &Put,
        change: &str,
        left: Option<&TargetError>,
    ) -> Event {
        let mut detail = json!({ "change": change });
        if let Some(error) = left {
            detail["reason"] = json!(error.word());
            detail["message"] = json!(format!("what stands under its old name could not be removed: {error}"));
        }
        let mut event = self.push_event(errand, placement, put, Action::CredentialSync, detail);
        if left.is_some() {
            event.outcome = Outcome::Failed;
        }
        event
    }

    async fn gone(&self, errand: &Errand<'_>, known: &Known, change: &str) -> Result<Settled, Error> {
        let event = self.pair_event(errand, &known.placement, Action::CredentialSync, json!({ "change": change }));
        let batch = on_the_same_ground(errand, Batch::default().delete(keys::placed(errand.pair), known.expect));
        self.store().commit(batch.event(event)).await?;
        self.tell_placement(errand, &known.placement, Done::Removed);
        let detaching = errand.ground.attachment.as_ref().is_some_and(|(attachment, _)| attachment.detaching.is_some());
        Ok(if detaching { Settled::Detached } else { Settled::Removed })
    }

    async fn write(&self, errand: &Errand<'_>, known: &Known, event: Event) -> Result<(), Error> {
        let mut batch = Batch::default().put(keys::placed(errand.pair), known.expect, codec::encode(&known.placement)?);
        if known.expect == Expect::Absent {
            batch = self.require_account(batch, errand.pair.account).await?;
        }
        match self.store().commit(batch.event(event)).await {
            Err(StoreError::Conflict) => Err(Error::from(StoreError::Conflict).because(Overtaken)),
            done => Ok(done.map(drop)?),
        }
    }

    fn failed(&self, placement: &Placement, error: &TargetError) -> Settled {
        let due_at = placement.failure.as_ref().map_or_else(|| self.now(), |failure| failure.due_at);
        let message = placement.failure.as_ref().map_or_else(|| error.to_string(), |failure| failure.message.clone());
        Settled::Failed { due_at, message, passing: is_passing(error) }
    }

    /// How long ago it was wanted.
    fn lag(&self, errand: &Errand<'_>) -> Option<std::time::Duration> {
        let changed = errand.found.as_ref().map(|found| found.credential.updated_at)?;
        let attached = errand.ground.attachment.as_ref().map(|(attachment, _)| attachment.attached_at)?;
        let since = changed.max(attached).max(errand.ground.region.updated_at);
        std::time::Duration::try_from(self.now().duration_since(since)).ok()
    }
}

/// How many tries of this wish have failed in a row.
fn failures(placement: &Placement, wish: &str) -> u32 {
    placement.failure.as_ref().filter(|failure| failure.wish == wish).map_or(0, |failure| failure.failures)
}
