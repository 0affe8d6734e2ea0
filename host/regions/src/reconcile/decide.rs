//! What to do about one credential in one region: a pure function of what should
//! be there and what is known. It does no I/O and reads no clock, so that a
//! reader can check it line by line and a test can walk it.
//!
//! Knowing costs: what should be there is materialized, and what is there is read
//! from the target, only where the decision depends on it. So the answer may be to
//! find something out first; whoever asks adds it to the [`Observation`] and asks
//! again.

use bursar_kernel::SyncState;
use bursar_kernel::nodes::Nodes;
use jiff::{SignedDuration, Timestamp};

use super::desired::{Desired, Spec};
use super::{Assignment, ReconcileOptions, Reconciler};
use crate::{DriftPolicy, Failure, SyncStatus, TargetError};

/// What is recorded, and how it is to be judged.
pub(crate) struct Recorded<'a> {
    /// The sync status; `None` where nothing was ever begun.
    pub(crate) status: Option<&'a SyncStatus>,
    /// Until when another process is at it.
    pub(crate) busy_until: Option<Timestamp>,
    /// The region's policy about what others change.
    pub(crate) drift: DriftPolicy,
    /// When an operator last changed the region: older failures are void.
    pub(crate) region_updated_at: Timestamp,
    /// See [`ReconcileOptions`].
    pub(crate) ignore_backoff: bool,
    /// See [`ReconcileOptions`].
    pub(crate) verify: bool,
    /// See [`ReconcileOptions`].
    pub(crate) repair: bool,
    /// Now.
    pub(crate) now: Timestamp,
}

/// What was found out so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observation {
    /// Keyed fingerprint of the content that should be there, once materialized.
    pub(crate) content: Option<String>,
    /// The target's name for where it goes, once the target was opened.
    pub(crate) place: Option<String>,
    /// What is there, once it was read.
    pub(crate) seen: Option<SeenContent>,
}

/// What is at the target.
#[derive(Clone, Debug)]
pub(crate) enum SeenContent {
    /// Nothing.
    Nothing,
    /// Ours, with content of this fingerprint.
    Ours(String),
    /// Somebody else's.
    Foreign,
    /// The target shows nothing.
    CannotTell,
    /// It could not be read.
    Failed(TargetError),
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Nothing: the region is paused.
    Leave,
    /// Nothing: it is as it should be.
    Nothing,
    /// Nothing: it drifted, and that is reported already.
    LeaveDrifted,
    /// Nothing: there is none, and shall be none.
    StayAbsent,
    /// Come back when another process has ended.
    WaitForOther(Timestamp),
    /// Come back when the last failure's pause is over.
    BackOff(Timestamp),
    /// Find out: materialize what should be there.
    Materialize,
    /// Find out: open the target and ask where it goes.
    Locate,
    /// Find out: read what is there.
    Look,
    /// Put it there. `repairs` is what somebody did to it.
    Push {
        /// `somebody changed it`, or removed it.
        repairs: Option<&'static str>,
    },
    /// Record that it is in place.
    Adopt,
    /// Record that somebody changed it, as the policy asks.
    ReportDrift(&'static str),
    /// Remove it everywhere.
    Remove,
    /// Drop the record: nothing is there, or what is there stays.
    Release {
        /// Whether what is there stays.
        keep: bool,
    },
    /// It cannot be verified now; that says nothing of what is there.
    Postpone(TargetError),
    /// Record a failure. `doubtful` ones are verified before anything is trusted.
    Fail {
        /// Why.
        error: TargetError,
        /// Whether what is there has become uncertain.
        doubtful: bool,
    },
}

/// Decides what to do.
pub(crate) fn decide(desired: &Desired, recorded: &Recorded<'_>, observed: &Observation) -> Action {
    let none = SyncStatus::default();
    let status = recorded.status.unwrap_or(&none);
    match desired {
        Desired::Unmanaged => return Action::Leave,
        Desired::Keep => return Action::Nothing,
        Desired::Absent { .. } if recorded.status.is_none() => return Action::StayAbsent,
        Desired::Absent { .. } | Desired::Present(_) | Desired::Undetermined(_) => {}
    }
    if let Some(until) = recorded.busy_until {
        return Action::WaitForOther(until);
    }
    match desired {
        Desired::Absent { keep } if *keep || status.locations.is_empty() => {
            Action::Release { keep: !status.locations.is_empty() }
        }
        Desired::Present(spec) => decide_present(spec, status, recorded, observed),
        _ => match (backoff(status, recorded, desired.wish()), desired) {
            (Some(due_at), _) => Action::BackOff(due_at),
            (None, Desired::Undetermined(error)) => Action::Fail { error: error.clone(), doubtful: false },
            (None, _) => Action::Remove,
        },
    }
}

/// The same where the credential should be there.
fn decide_present(spec: &Spec, status: &SyncStatus, recorded: &Recorded<'_>, observed: &Observation) -> Action {
    let synced = status.is_settled(&spec.input);
    if synced && !recorded.verify {
        return Action::Nothing;
    }
    let reported = is_reported(spec, status, recorded);
    if reported && !recorded.verify && !recorded.repair {
        return Action::LeaveDrifted;
    }
    if let Some(due_at) = backoff(status, recorded, &spec.input) {
        return Action::BackOff(due_at);
    }
    // Content first: it may be what is there already, under another version.
    let known = synced.then_some(&status.content);
    let Some(fingerprint) = observed.content.as_ref().or(known) else { return Action::Materialize };
    let Some(place) = &observed.place else { return Action::Locate };
    let same_form = status.form.is_empty() || status.form == spec.form;
    let same = |other: &String| same_form && other == fingerprint;
    let here = status.locations.last().is_some_and(|location| location.place == *place);
    if here && is_certain(status) && same(&status.content) && !recorded.verify {
        return Action::Adopt;
    }
    // What is there is uncertain: after a crash, a failure, or when somebody wants
    // to know.
    let mut repairs = None;
    if (recorded.verify || !is_certain(status)) && !status.locations.is_empty() {
        let Some(seen) = &observed.seen else { return Action::Look };
        let drift = match seen {
            SeenContent::Ours(there) if same(there) => return Action::Adopt,
            SeenContent::CannotTell if synced && !recorded.repair => return Action::Nothing,
            SeenContent::Failed(error) if only_verifies(spec, status, recorded) && error.is_passing() => {
                return Action::Postpone(error.clone());
            }
            SeenContent::Failed(error) => return Action::Fail { error: error.clone(), doubtful: true },
            SeenContent::Ours(_) => Some("somebody changed it"),
            SeenContent::Nothing => Some("somebody removed it"),
            // The target itself refuses what is not ours.
            SeenContent::CannotTell | SeenContent::Foreign => None,
        };
        // Only what was right before can have been changed by others.
        let was_right = status.input == spec.input && status.begun_for.is_empty();
        repairs = drift.filter(|_| was_right);
        if let (Some(what), DriftPolicy::Report, false) = (repairs, recorded.drift, recorded.repair) {
            return Action::ReportDrift(what);
        }
    }
    if observed.content.is_none() { Action::Materialize } else { Action::Push { repairs } }
}

/// Whether a reconciliation would only check what is there: that its region cannot
/// be reached says nothing of it then.
pub(super) fn only_verifies(spec: &Spec, status: &SyncStatus, recorded: &Recorded<'_>) -> bool {
    (status.is_settled(&spec.input) || is_reported(spec, status, recorded)) && !recorded.ignore_backoff
}

/// A new version of ours ends the matter of what others changed.
fn is_reported(spec: &Spec, status: &SyncStatus, recorded: &Recorded<'_>) -> bool {
    status.reported && status.input == spec.input && recorded.drift == DriftPolicy::Report
}

/// Whether what is there is what was last put there, as far as we know.
fn is_certain(status: &SyncStatus) -> bool {
    status.begun_for.is_empty() && !status.reported && !status.doubtful && !status.content.is_empty()
}

/// When a pair is tried again that has failed. Another wish, or a region that an
/// operator has changed since, is not held up by what failed before.
fn backoff(status: &SyncStatus, recorded: &Recorded<'_>, wish: &str) -> Option<Timestamp> {
    let failed = |failure: &&Failure| failure.wish == wish && failure.at >= recorded.region_updated_at;
    let failure = status.failure.as_ref().filter(|_| status.state == SyncState::Error).filter(failed)?;
    (failure.due_at > recorded.now && !recorded.ignore_backoff).then_some(failure.due_at)
}

impl Action {
    /// When a pair has to be reconciled; `None` where there is nothing to do.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Leave | Self::Nothing | Self::LeaveDrifted | Self::StayAbsent => None,
            Self::WaitForOther(at) | Self::BackOff(at) => Some(*at),
            _ => Some(now),
        }
    }
}

impl Reconciler {
    /// What a decision is made of.
    pub(crate) fn recorded<'a>(
        &self,
        assignment: &Assignment,
        status: Option<&'a SyncStatus>,
        options: &ReconcileOptions,
    ) -> Recorded<'a> {
        Recorded {
            busy_until: status.and_then(|status| busy(status, &self.ports.nodes, self.kernel.ports.now())),
            status,
            drift: assignment.region.drift,
            region_updated_at: assignment.region.updated_at,
            ignore_backoff: options.ignore_backoff,
            verify: options.verify,
            repair: options.repair,
            now: self.kernel.ports.now(),
        }
    }
}

/// When to check again, where another process is at it.
fn busy(status: &SyncStatus, nodes: &Nodes, now: Timestamp) -> Option<Timestamp> {
    let attempt = status.attempt.as_ref()?;
    // In this process all stand in one queue: what is marked is left over.
    let is_over = attempt.by == nodes.process()
        || attempt.until <= now
        || match attempt.node {
            Some(node) => nodes.has_ended(node, attempt.by),
            None => nodes.is_alone(),
        };
    (!is_over).then(|| attempt.until.min(now + CHECK_AGAIN))
}

/// How long a push takes as a rule, or a node to be taken for gone.
const CHECK_AGAIN: SignedDuration = SignedDuration::from_secs(2);

#[cfg(test)]
mod tests;
