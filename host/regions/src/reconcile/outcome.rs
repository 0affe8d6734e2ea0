//! How a reconciliation ends: the outcome is committed with its event, then
//! published.

use std::time::Duration;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::store::{Batch, Expect, StoreError};
use bursar_kernel::{Done, Error, SyncState, codec};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::circuit_breaker::{OpenState, next_try};
use super::desired::Spec;
use super::execute::Session;
use super::{ReconcileContext, Reconciled, Reconciler};
use crate::{Failure, Pair, SyncStatus, Target, TargetError, keys};

/// What was called for is done, and another node had the last word about it.
#[derive(Debug, thiserror::Error)]
#[error("another node took the push over")]
pub(super) struct Overtaken;

impl Reconciler {
    /// It was put there.
    pub(super) async fn pushed(
        &self,
        context: &mut ReconcileContext<'_>,
        spec: &Spec,
        fingerprint: &str,
        target: &dyn Target,
        receipt: Value,
        repair: bool,
    ) -> Result<Reconciled, Error> {
        // What was there of this version before says nothing of how long it took.
        let newer = context.status.version != context.credential().map(|credential| credential.version);
        let lag = (newer && !repair).then(|| lag(context, self.kernel.ports.now())).flatten();
        let failures = failures(&context.status, &spec.input);
        if let Some(newest) = context.status.locations.last_mut() {
            newest.receipt = Some(receipt).filter(|receipt| !receipt.is_null());
        }
        if context.status.locations.len() > 1 {
            self.kernel.journal.record(self.removal_event(context, 1)).await?;
        }
        mark_synced(context, spec, fingerprint, self.kernel.ports.now());
        let left = self.remove_old_locations(context, spec, target, failures).await;
        let event = self.outcome_event(context, spec, "put", left.as_ref());
        self.write(context, event).await?;
        context.publish(self, Done::Pushed(lag));
        Ok(left.map_or(Reconciled::Pushed, |error| failed(&context.status, &error, self.kernel.ports.now())))
    }

    /// It was there already.
    pub(super) async fn adopt(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &Session<'_>,
        spec: &Spec,
        fingerprint: &str,
    ) -> Result<Reconciled, Error> {
        let synced = context.status.is_settled(&spec.input) && context.status.locations.len() < 2;
        if synced && !context.options.ignore_backoff {
            return Ok(Reconciled::Unchanged);
        }
        let Some(target) = session.target.clone() else { return Err(Error::not_found("region")) };
        let failures = failures(&context.status, &spec.input);
        if context.status.locations.len() > 1 {
            // Others keep off until it is done.
            context.status.attempt = Some(self.claim());
            context.status.state = SyncState::Syncing;
            let event = self.removal_event(context, 1);
            let record = codec::encode(&context.status)?;
            let batch = Batch::default().put(keys::placed(context.pair), context.expect, record);
            let batch = context.assignment.unchanged(batch).event(event);
            context.expect = Expect::At(self.kernel.ports.store().commit(batch).await?);
        }
        mark_synced(context, spec, fingerprint, self.kernel.ports.now());
        let left = self.remove_old_locations(context, spec, &*target, failures).await;
        let event = self.outcome_event(context, spec, "none", left.as_ref());
        self.write(context, event).await?;
        context.publish(self, Done::Found);
        Ok(left.map_or(Reconciled::Unchanged, |error| failed(&context.status, &error, self.kernel.ports.now())))
    }

    /// Somebody changed it, and the policy is to report that.
    pub(super) async fn report_drift(
        &self,
        context: &mut ReconcileContext<'_>,
        spec: &Spec,
        what: &str,
    ) -> Result<Reconciled, Error> {
        if context.status.state == SyncState::Drifted {
            return Ok(Reconciled::Drifted);
        }
        let now = self.kernel.ports.now();
        context.status.state = SyncState::Drifted;
        context.status.reported = true;
        context.status.doubtful = false;
        context.status.failure = Some(Failure {
            message: format!("{what} there: sync it to put it right"),
            reason: "drifted".to_owned(),
            wish: spec.input.clone(),
            at: now,
            failures: 0,
            due_at: now,
        });
        let event = context.event(self, Action::CredentialSync, json!({ "reason": "drifted" }));
        self.write(context, Event { outcome: Outcome::Failed, ..event }).await?;
        context.publish(self, Done::Drifted);
        Ok(Reconciled::Drifted)
    }

    /// It failed. `untouched` is the status before, where nothing can have been
    /// written.
    pub(super) async fn fail(
        &self,
        context: &mut ReconcileContext<'_>,
        error: &TargetError,
        wish: &str,
        untouched: Option<&SyncStatus>,
    ) -> Result<Reconciled, Error> {
        let (ports, now) = (&self.kernel.ports, self.kernel.ports.now());
        let failures = failures(&context.status, wish);
        let failure = Failure {
            message: error.to_string(),
            reason: error.code().to_owned(),
            wish: wish.to_owned(),
            at: now,
            failures: failures.saturating_add(1),
            due_at: next_try(now, failures, error, |most| ports.jittered(most)),
        };
        let base = untouched.unwrap_or(&context.status).clone();
        context.status = SyncStatus { state: SyncState::Error, failure: Some(failure), attempt: None, ..base };
        let detail = json!({ "reason": error.code(), "message": error.to_string(), "failures": failures + 1 });
        let event = Event {
            version: context.credential().map(|credential| credential.version),
            outcome: if matches!(error, TargetError::Foreign(_)) { Outcome::Denied } else { Outcome::Failed },
            ..context.event(self, Action::CredentialSync, detail)
        };
        self.write(context, event).await?;
        context.publish(self, Done::Failed(error.code().to_owned()));
        Ok(failed(&context.status, error, self.kernel.ports.now()))
    }

    /// The target is down, so it was not tried: said once, until something is well.
    pub(super) async fn keep_off(
        &self,
        context: &mut ReconcileContext<'_>,
        open: &OpenState,
        wish: &str,
    ) -> Result<Reconciled, Error> {
        let kept_off = Reconciled::from(open.clone());
        if context.status.state == SyncState::Error {
            return Ok(kept_off);
        }
        let (error, now) = (&open.error, self.kernel.ports.now());
        context.status.state = SyncState::Error;
        context.status.attempt = None;
        context.status.failure = Some(Failure {
            message: error.to_string(),
            reason: error.code().to_owned(),
            wish: wish.to_owned(),
            at: now,
            failures: 0,
            // It was not tried: it is as soon as anybody is let through.
            due_at: now,
        });
        let detail = json!({ "reason": error.code(), "tried": false });
        let event = context.event(self, Action::CredentialSync, detail);
        self.write(context, Event { outcome: Outcome::Failed, ..event }).await?;
        context.publish(self, Done::Failed(error.code().to_owned()));
        Ok(kept_off)
    }

    /// Nothing of ours is there any more, or nothing we look after.
    pub(super) async fn release(&self, context: &ReconcileContext<'_>, change: &str) -> Result<Reconciled, Error> {
        let event = context.event(self, Action::CredentialSync, json!({ "change": change }));
        let batch = Batch::default().delete(keys::placed(context.pair), context.expect);
        let batch = context.assignment.unchanged(batch).event(event);
        self.kernel.ports.store().commit(batch).await?;
        context.publish(self, Done::Removed);
        let attachment = context.assignment.attachment.as_ref();
        let detaching = attachment.is_some_and(|(attachment, _)| attachment.detaching.is_some());
        Ok(if detaching { Reconciled::Detached } else { Reconciled::Removed })
    }

    /// Deletes the status of a pair whose account or region is gone: nobody could
    /// reach what is there.
    pub(super) async fn forget_status(
        &self,
        pair: Pair,
        status: &SyncStatus,
        expect: Expect,
    ) -> Result<Reconciled, Error> {
        if expect == Expect::Absent {
            return Ok(Reconciled::Unchanged);
        }
        self.gateway.forget(pair.region);
        let places: Vec<&str> = status.locations.iter().map(|location| location.place.as_str()).collect();
        let event = Event {
            account: Some(pair.account),
            credential: Some(pair.credential),
            detail: Some(json!({ "forgotten": "placement", "region": pair.region, "places": places })),
            ..self.kernel.ports.system_event(Action::Housekeeping)
        };
        let batch = Batch::default().delete(keys::placed(pair), expect);
        self.kernel.ports.store().commit(batch.event(event)).await?;
        Ok(Reconciled::Removed)
    }

    /// Removes what stands under older names. Where that fails the pair is in
    /// error, although the newest is in place. `failures` of this wish came before.
    async fn remove_old_locations(
        &self,
        context: &mut ReconcileContext<'_>,
        spec: &Spec,
        target: &dyn Target,
        failures: u32,
    ) -> Option<TargetError> {
        let error = self.remove_locations(context, target, 1).await.err()?;
        let (ports, now) = (&self.kernel.ports, self.kernel.ports.now());
        context.status.state = SyncState::Error;
        context.status.failure = Some(Failure {
            message: format!("it is in place, but what stands under its old name could not be removed: {error}"),
            reason: error.code().to_owned(),
            wish: spec.input.clone(),
            at: now,
            failures: failures.saturating_add(1),
            due_at: next_try(now, failures, &error, |most| ports.jittered(most)),
        });
        Some(error)
    }

    /// What a push came to, and whether all that stood elsewhere is gone.
    fn outcome_event(
        &self,
        context: &ReconcileContext<'_>,
        spec: &Spec,
        change: &str,
        left: Option<&TargetError>,
    ) -> Event {
        let mut detail = json!({ "change": change });
        if let Some(error) = left {
            detail["reason"] = json!(error.code());
            detail["message"] = json!(format!("what stands under its old name could not be removed: {error}"));
        }
        let event = context.push_event(self, spec, Action::CredentialSync, detail);
        if left.is_some() { Event { outcome: Outcome::Failed, ..event } } else { event }
    }

    async fn write(&self, context: &ReconcileContext<'_>, event: Event) -> Result<(), Error> {
        let record = codec::encode(&context.status)?;
        let mut batch = Batch::default().put(keys::placed(context.pair), context.expect, record);
        if context.expect == Expect::Absent {
            batch = self.kernel.authorizer.require_account(batch, context.pair.account).await?;
        }
        match self.kernel.ports.store().commit(batch.event(event)).await {
            Err(StoreError::Conflict) => Err(Error::from(StoreError::Conflict).because(Overtaken)),
            done => Ok(done.map(drop)?),
        }
    }
}

/// How a pair in error is answered.
fn failed(status: &SyncStatus, error: &TargetError, now: Timestamp) -> Reconciled {
    let failure = status.failure.as_ref();
    let due_at = failure.map_or(now, |failure| failure.due_at);
    let message = failure.map_or_else(|| error.to_string(), |failure| failure.message.clone());
    Reconciled::Failed { due_at, message, passing: error.is_passing() }
}

/// How long ago it was wanted.
fn lag(context: &ReconcileContext<'_>, now: Timestamp) -> Option<Duration> {
    let changed = context.credential().map(|credential| credential.updated_at)?;
    let attached = context.assignment.attachment.as_ref().map(|(attachment, _)| attachment.attached_at)?;
    let since = changed.max(attached).max(context.assignment.region.updated_at);
    Duration::try_from(now.duration_since(since)).ok()
}

/// How many tries of this wish have failed in a row.
fn failures(status: &SyncStatus, wish: &str) -> u32 {
    status.failure.as_ref().filter(|failure| failure.wish == wish).map_or(0, |failure| failure.failures)
}

/// Has the status say that `spec` is in place since `now`.
fn mark_synced(context: &mut ReconcileContext<'_>, spec: &Spec, fingerprint: &str, now: Timestamp) {
    let version = context.credential().map(|credential| credential.version);
    let status = &mut context.status;
    status.state = SyncState::Synced;
    status.version = version;
    status.synced_at = Some(now);
    status.failure = None;
    status.input.clone_from(&spec.input);
    status.form.clone_from(&spec.form);
    status.reported = false;
    status.doubtful = false;
    fingerprint.clone_into(&mut status.content);
    status.attempt = None;
    status.begun_for.clear();
}
