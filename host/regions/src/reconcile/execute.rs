//! Carrying out what was decided.

use std::sync::Arc;

use bursar_kernel::Error;

use super::circuit_breaker::{CircuitBreaker, OpenState, Permit, next_try};
use super::content::Materialized;
use super::decide::{Action, Observation, only_verifies};
use super::desired::Spec;
use super::{Desired, ReconcileContext, Reconciled, Reconciler};
use crate::{Target, TargetError};

/// What a reconciliation has in hand of the target.
pub(super) struct Session<'a> {
    breaker: &'a CircuitBreaker,
    /// The right to call it, once it was asked for.
    permit: Option<Permit<'a>>,
    /// The target, once it was opened.
    pub(super) target: Option<Arc<dyn Target>>,
    /// What should be there, once it was materialized.
    pub(super) materialized: Option<Materialized>,
}

impl<'a> Session<'a> {
    pub(super) fn new(breaker: &'a CircuitBreaker) -> Self {
        Self { breaker, permit: None, target: None, materialized: None }
    }

    /// Waits for the right to call the target.
    ///
    /// # Errors
    ///
    /// Where the target is down and nobody is let through now.
    pub(super) async fn acquire(&mut self, reconciler: &Reconciler, eager: bool) -> Result<(), OpenState> {
        self.permit = Some(self.breaker.permit(|| reconciler.kernel.ports.now(), eager).await?);
        Ok(())
    }

    /// Has the breaker learn from how the last call ended, and gives the right to
    /// call back.
    pub(super) fn report<T>(&mut self, reconciler: &Reconciler, answer: &Result<T, TargetError>) {
        if let Some(permit) = self.permit.take() {
            permit.report(answer, reconciler.kernel.ports.now(), |most| reconciler.kernel.ports.jittered(most));
        }
    }

    /// A look went well, and no other call follows.
    fn conclude_look(&mut self, reconciler: &Reconciler, observed: &Observation) {
        if observed.seen.is_some() {
            self.report(reconciler, &Ok(()));
        }
    }
}

impl Reconciler {
    /// Carries an action out. `None` where it found something out: decide again.
    pub(super) async fn execute(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &mut Session<'_>,
        desired: &Desired,
        observed: &mut Observation,
        action: Action,
    ) -> Result<Option<Reconciled>, Error> {
        let spec = if let Desired::Present(spec) = desired { Some(spec) } else { None };
        let reconciled = match action {
            Action::Leave => Reconciled::Left,
            Action::Nothing => {
                session.conclude_look(self, observed);
                Reconciled::Unchanged
            }
            Action::LeaveDrifted => Reconciled::Drifted,
            Action::StayAbsent => Reconciled::Removed,
            Action::WaitForOther(until) => Reconciled::Busy(until),
            Action::BackOff(due_at) => {
                let failure = context.status.failure.as_ref();
                let message = failure.map(|failure| failure.message.clone()).unwrap_or_default();
                Reconciled::Failed { due_at, message, passing: true }
            }
            Action::Postpone(error) => {
                let ports = &self.kernel.ports;
                let due_at = next_try(ports.now(), 0, &error, |most| ports.jittered(most));
                Reconciled::Failed { due_at, message: error.to_string(), passing: true }
            }
            Action::Fail { error, doubtful } => {
                context.status.doubtful |= doubtful;
                self.fail(context, &error, desired.wish(), None).await?
            }
            Action::Release { keep } => self.release(context, if keep { "kept" } else { "none" }).await?,
            Action::Remove => return self.remove(context, session).await.map(Some),
            Action::Materialize
            | Action::Locate
            | Action::Look
            | Action::Push { .. }
            | Action::Adopt
            | Action::ReportDrift(_) => {
                let Some(spec) = spec else { return Err(Error::not_found("credential")) };
                return self.execute_present(context, session, spec, observed, action).await;
            }
        };
        Ok(Some(reconciled))
    }

    /// The same for what is done where the credential should be there.
    async fn execute_present(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &mut Session<'_>,
        spec: &Spec,
        observed: &mut Observation,
        action: Action,
    ) -> Result<Option<Reconciled>, Error> {
        match action {
            Action::Materialize => self.find_content(context, session, spec, observed).await,
            Action::Locate => self.find_place(context, session, spec, observed).await,
            Action::Look => {
                self.find_seen(context, session, observed).await;
                Ok(None)
            }
            Action::Push { repairs } => {
                let place = observed.place.clone().unwrap_or_default();
                self.push(context, session, spec, place, repairs).await.map(Some)
            }
            Action::ReportDrift(what) => {
                session.conclude_look(self, observed);
                self.report_drift(context, spec, what).await.map(Some)
            }
            _ => {
                session.conclude_look(self, observed);
                let fingerprint = observed.content.as_ref().unwrap_or(&context.status.content).clone();
                self.adopt(context, session, spec, &fingerprint).await.map(Some)
            }
        }
    }

    async fn find_content(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &mut Session<'_>,
        spec: &Spec,
        observed: &mut Observation,
    ) -> Result<Option<Reconciled>, Error> {
        // Nothing is opened that would not be sent.
        if session.permit.is_none()
            && let Some(open) = session.breaker.shut(self.kernel.ports.now(), context.options.ignore_backoff)
        {
            return self.kept_off(context, spec, open).await.map(Some);
        }
        let Some(credential) = context.credential() else { return Err(Error::not_found("credential")) };
        match self.materializer.materialize(credential, spec).await? {
            Ok(materialized) => {
                observed.content = Some(materialized.fingerprint.clone());
                session.materialized = Some(materialized);
                Ok(None)
            }
            Err(error) => self.fail(context, &error, &spec.input, None).await.map(Some),
        }
    }

    async fn find_place(
        &self,
        context: &mut ReconcileContext<'_>,
        session: &mut Session<'_>,
        spec: &Spec,
        observed: &mut Observation,
    ) -> Result<Option<Reconciled>, Error> {
        if let Err(open) = session.acquire(self, context.options.ignore_backoff).await {
            return self.kept_off(context, spec, open).await.map(Some);
        }
        let region = &context.assignment.region;
        let target = match self.gateway.open_target(region).await? {
            Ok(target) => target,
            Err(error) => return self.fail(context, &error, &spec.input, None).await.map(Some),
        };
        let owner = self.gateway.owner(&context.assignment, context.pair, &context.credential_name());
        match self.gateway.place(region, &*target, &owner) {
            Ok(place) => observed.place = Some(place),
            Err(error) => return self.fail(context, &error, &spec.input, None).await.map(Some),
        }
        session.target = Some(target);
        Ok(None)
    }

    async fn find_seen(&self, context: &ReconcileContext<'_>, session: &mut Session<'_>, observed: &mut Observation) {
        let (Some(target), Some(place)) = (&session.target, &observed.place) else { return };
        let owner = self.gateway.owner(&context.assignment, context.pair, &context.credential_name());
        let seen = self.gateway.call(&context.assignment.region, target.look(place, &owner)).await;
        if seen.is_err() {
            session.report(self, &seen);
        }
        observed.seen = Some(self.materializer.seen_content(seen));
    }

    /// The target is down, so it was not tried. That says nothing of what is there
    /// where it was only to be checked.
    async fn kept_off(
        &self,
        context: &mut ReconcileContext<'_>,
        spec: &Spec,
        open: OpenState,
    ) -> Result<Reconciled, Error> {
        if only_verifies(spec, &context.status, &context.recorded(self)) {
            return Ok(open.into());
        }
        self.keep_off(context, &open, &spec.input).await
    }
}
