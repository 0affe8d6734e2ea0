//! One reconciliation of one pair: what all its steps need.

use bursar_credentials::{Credential, Found, MadeBy};
use bursar_kernel::audit::{Action, Event};
use bursar_kernel::store::Expect;
use bursar_kernel::{Done, Notice, PlacementNotice};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::decide::Recorded;
use super::desired::Spec;
use super::{Assignment, ReconcileOptions, Reconciler};
use crate::{Attempt, Pair, SyncStatus};

/// One reconciliation of one pair.
pub(super) struct ReconcileContext<'a> {
    pub(super) pair: Pair,
    pub(super) assignment: Assignment,
    /// The credential; `None` where it is purged.
    pub(super) found: Option<Found>,
    pub(super) options: &'a ReconcileOptions,
    /// The sync status as it is recorded, or about to be.
    pub(super) status: SyncStatus,
    /// What to expect of its record.
    pub(super) expect: Expect,
}

impl ReconcileContext<'_> {
    pub(super) fn credential(&self) -> Option<&Credential> {
        self.found.as_ref().map(|found| &found.credential)
    }

    pub(super) fn region(&self) -> &str {
        self.assignment.region.name.as_str()
    }

    /// The credential's name, or what it was called when it was put there.
    pub(super) fn credential_name(&self) -> String {
        let then = || self.status.locations.last().map(|location| location.credential_name.clone());
        self.credential().map(|credential| credential.name.to_string()).or_else(then).unwrap_or_default()
    }

    /// What a decision is made of.
    pub(super) fn recorded<'a>(&'a self, reconciler: &Reconciler) -> Recorded<'a> {
        reconciler.recorded(&self.assignment, (self.expect != Expect::Absent).then_some(&self.status), self.options)
    }

    /// An event about the pair.
    pub(super) fn event(&self, reconciler: &Reconciler, action: Action, detail: Value) -> Event {
        let event = self.options.event(reconciler.kernel.ports.now(), action);
        let mut all = event.detail.unwrap_or_else(|| json!({}));
        if let (Some(all), Value::Object(detail)) = (all.as_object_mut(), detail) {
            all.extend(detail);
        }
        Event {
            account: Some(self.pair.account),
            credential: Some(self.pair.credential),
            version: self.status.version,
            region: Some(self.region().to_owned()),
            detail: Some(all),
            ..event
        }
    }

    /// An event about a push.
    pub(super) fn push_event(&self, reconciler: &Reconciler, spec: &Spec, action: Action, detail: Value) -> Event {
        let mut detail = detail;
        detail["formats"] = json!(spec.formats);
        Event {
            version: self.credential().map(|credential| credential.version),
            plugin: Some(MadeBy::from(&*spec.of).for_audit()),
            ..self.event(reconciler, action, detail)
        }
    }

    /// Publishes the status of the pair.
    pub(super) fn publish(&self, reconciler: &Reconciler, done: Done) {
        let gone = done == Done::Removed;
        reconciler.kernel.ports.tell(&Notice::Placement(PlacementNotice {
            account: self.pair.account,
            credential: self.pair.credential,
            credential_name: self.credential_name(),
            region: self.region().to_owned(),
            state: (!gone).then_some(self.status.state),
            version: self.status.version,
            synced_at: self.status.synced_at,
            error: self.status.failure.as_ref().map(|failure| failure.message.clone()),
            done,
        }));
    }
}

impl Reconciler {
    /// That this process is at it now.
    pub(super) fn claim(&self) -> Attempt {
        let nodes = &self.ports.nodes;
        Attempt { by: nodes.process(), node: Some(nodes.node()), until: self.kernel.ports.now() + RESERVED }
    }
}

/// Nothing of a push is under way any more so long after its intent: its calls
/// (the put, and removals of what it replaces) have ended or were given up. Where
/// its node has ended nobody waits for that.
const RESERVED: SignedDuration = SignedDuration::from_secs(5 * 60);
