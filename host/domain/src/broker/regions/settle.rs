//! Bringing one credential in one region to where it should be.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

use super::super::credentials::Found;
use super::super::{ATTEMPTS, Broker, codec};
use super::gate::{Open, next_try};
use super::push::{Content, Errand};
use super::wanted::{Ground, Put, Wanted};
use crate::Error;
use crate::audit::{Action, Event};
use crate::id::RegionId;
use crate::region::{Done, DriftPolicy, Pair, Placement, Seen, SyncState, TargetError};
use crate::store::Expect;
use crate::{Kind, keys};

/// On whose behalf and how thoroughly.
#[derive(Clone)]
pub struct Settling {
    /// Who asks: the events are theirs. Of a caller, or the broker's own.
    by: Event,
    /// A person waits: what has failed is tried at once.
    pub(super) eager: bool,
    /// What is there is looked at, also where all seems well.
    pub(super) look: bool,
    /// What others changed is put right whatever the region's policy says.
    pub(super) repair: bool,
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// All is as it should be, and was.
    Unchanged,
    /// It was put there.
    Pushed,
    /// It was removed, or is nobody's any more.
    Removed,
    /// The same, and the account has let go of the region: where this was the
    /// last one, that has ended (see [`Broker::conclude_detaching`]).
    Detached,
    /// The region is paused.
    Left,
    /// Somebody changed what is there, and the policy is to tell.
    Drifted,
    /// Somebody else is at it: it is looked at again then.
    Busy(Timestamp),
    /// The target is down, so it was not tried. Nobody is let through before
    /// then.
    KeptOff {
        /// When.
        until: Timestamp,
        /// Why it is down.
        message: String,
    },
    /// It failed, now or before, and is tried again then.
    Failed {
        /// When.
        due_at: Timestamp,
        /// Why, for a person.
        message: String,
        /// Whether another try may go better by itself.
        passing: bool,
    },
}

/// What is known of a placement.
pub(super) struct Known {
    pub(super) placement: Placement,
    pub(super) expect: Expect,
}

impl Settling {
    /// The broker's own work.
    #[must_use]
    pub fn by_itself(broker: &Broker) -> Self {
        Self::by(broker.system_event(Action::CredentialSync))
    }

    /// A caller's wish: `event` names them.
    pub(super) fn by(event: Event) -> Self {
        Self { by: event, eager: false, look: false, repair: false }
    }

    /// A person waits.
    #[must_use]
    pub fn eagerly(self) -> Self {
        Self { eager: true, ..self }
    }

    /// Nobody waits any more.
    pub(super) fn patiently(self) -> Self {
        Self { eager: false, ..self }
    }

    /// Also looks at what seems well.
    #[must_use]
    pub fn looking(self) -> Self {
        Self { look: true, ..self }
    }

    pub(super) fn repairing(self) -> Self {
        Self { repair: true, ..self }
    }

    pub(super) fn event(&self, at: Timestamp, action: Action) -> Event {
        Event { at, action, ..self.by.clone() }
    }
}

impl Broker {
    /// Brings one credential in one region to where it should be: puts it there,
    /// puts it right, removes it, or finds that there is nothing to do, which
    /// neither materializes nor sends anything.
    ///
    /// # Errors
    ///
    /// Where the store fails. What the target says is in the answer and in the
    /// placement.
    pub async fn settle_pair(&self, pair: Pair, how: &Settling) -> Result<Settled, Error> {
        let key = keys::placed(pair);
        let queue = self.regions.queues.queue(&key);
        let _place = queue.lock().await;
        let mut how = how.clone();
        for _ in 0..ATTEMPTS {
            let known = self.known(pair).await?;
            if let Some(again_at) = self.busy(&known.placement) {
                return Ok(Settled::Busy(again_at));
            }
            let settled = match AssertUnwindSafe(self.settle_once(pair, known, &how)).catch_unwind().await {
                Ok(settled) => settled,
                Err(_) => self.broke_off(pair, self.known(pair).await?, &how).await,
            };
            match settled {
                // This node was taken for gone, and another one took over. What it
                // sent may have come after what the other one sent.
                Err(error) if error.source.as_ref().is_some_and(|source| source.is::<Overtaken>()) => {
                    how = how.looking();
                }
                // Somebody else changed a part of it: look again.
                Err(error) if error.kind == Kind::Conflict => {}
                done => return done,
            }
        }
        Ok(Settled::Busy(self.now()))
    }

    async fn known(&self, pair: Pair) -> Result<Known, Error> {
        let record = self.store().get(&keys::placed(pair)).await?;
        Ok(Known {
            expect: record.as_ref().map_or(Expect::Absent, |record| Expect::At(record.revision)),
            placement: record.as_ref().map(codec::decode).transpose()?.unwrap_or_default(),
        })
    }

    async fn settle_once(&self, pair: Pair, known: Known, how: &Settling) -> Result<Settled, Error> {
        let Some(ground) = self.ground(pair.account, pair.region).await? else {
            return self.forget_placement(pair, &known).await;
        };
        let found = self.credential_of(pair).await?;
        match self.wanted(&ground, found.as_ref().map(|found| &found.credential), &known.placement) {
            Wanted::Anything => Ok(Settled::Left),
            Wanted::AsItIs => Ok(Settled::Unchanged),
            Wanted::Gone { keep } => self.settle_gone(pair, &ground, found.as_ref(), known, keep, how).await,
            Wanted::Unclear(error) => {
                if let Some(failed) = waiting(&known.placement, &ground, "", self.now(), how) {
                    return Ok(failed);
                }
                let errand = Errand::new(pair, ground, found, how);
                self.fail_pair(&errand, known, &error, "", None).await
            }
            Wanted::Put(put) => {
                let found = found.ok_or_else(|| Error::not_found("credential"))?;
                self.settle_put(pair, ground, found, put, known, how).await
            }
        }
    }

    async fn settle_put(
        &self,
        pair: Pair,
        ground: Ground,
        found: Found,
        put: Put,
        mut known: Known,
        how: &Settling,
    ) -> Result<Settled, Error> {
        let settled = known.placement.is_settled(&put.input);
        if settled && !how.look {
            return Ok(Settled::Unchanged);
        }
        // A new version of ours ends the matter of what others changed.
        let reported = known.placement.reported
            && known.placement.input == put.input
            && ground.region.drift == DriftPolicy::Report;
        if reported && !how.look && !how.repair {
            return Ok(Settled::Drifted);
        }
        if let Some(failed) = waiting(&known.placement, &ground, &put.input, self.now(), how) {
            return Ok(failed);
        }
        let owner = self.owner(&ground, pair, found.credential.name.as_str());
        let errand = Errand::new(pair, ground, Some(found), how);
        let gate = self.regions.gate(pair.region);
        // Nothing is opened that would not be sent. That a region cannot be looked
        // at says nothing of what is there.
        let only_looks = (settled || reported) && !how.eager;
        if let Some(open) = gate.shut(self.now(), how.eager) {
            return if only_looks { Ok(open.into()) } else { self.keep_off(&errand, known, &open, &put.input).await };
        }
        // Content first: it may be what is there already, under another version.
        let content = if settled {
            Content::Known(known.placement.content.clone())
        } else {
            match self.content(&errand, &put).await? {
                Ok(content) => content,
                Err(error) => return self.fail_pair(&errand, known, &error, &put.input, None).await,
            }
        };
        let pass = match gate.pass(|| self.now(), how.eager).await {
            Ok(pass) => pass,
            Err(open) if only_looks => return Ok(open.into()),
            Err(open) => return self.keep_off(&errand, known, &open, &put.input).await,
        };
        let target = match self.open_target(&errand.ground.region).await? {
            Ok(target) => target,
            Err(error) => return self.fail_pair(&errand, known, &error, &put.input, None).await,
        };
        let place = match self.place(&errand.ground.region, &*target, &owner) {
            Ok(place) => place,
            Err(error) => return self.fail_pair(&errand, known, &error, &put.input, None).await,
        };
        let placement = &known.placement;
        let here = placement.places.last().is_some_and(|known| known.place == place);
        let same_form = placement.form.is_empty() || placement.form == put.form;
        let same = |fingerprint: &str| same_form && fingerprint == content.fingerprint();
        if here && is_known(placement) && same(&placement.content) && !how.look {
            return self.found_in_place(&errand, known, &put, &content, &*target).await;
        }
        // What is there is not known for sure: after a crash, a failure, or when
        // somebody wants to know.
        let mut repaired = None;
        if (how.look || !is_known(placement)) && !placement.places.is_empty() {
            let seen = self.call(&errand.ground.region, target.look(&place, &owner)).await;
            let drift = match &seen {
                Ok(Seen::Ours(files)) if same(&self.content_fingerprint(files)) => {
                    pass.tell(&seen, self.now(), |most| self.jittered(most));
                    return self.found_in_place(&errand, known, &put, &content, &*target).await;
                }
                Ok(Seen::Ours(_)) => Some("somebody changed it"),
                Ok(Seen::Nothing) => Some("somebody removed it"),
                Ok(Seen::CannotTell) if settled && !how.repair => {
                    pass.tell(&seen, self.now(), |most| self.jittered(most));
                    return Ok(Settled::Unchanged);
                }
                // The target itself refuses what is not ours.
                Ok(Seen::CannotTell | Seen::Foreign(_)) => None,
                Err(error) => {
                    let error = error.clone();
                    pass.tell(&seen, self.now(), |most| self.jittered(most));
                    if only_looks && is_passing(&error) {
                        let due_at = next_try(self.now(), 0, &error, |most| self.jittered(most));
                        return Ok(Settled::Failed { due_at, message: error.to_string(), passing: true });
                    }
                    // It is looked at again before anything is taken for granted.
                    known.placement.doubtful = true;
                    return self.fail_pair(&errand, known, &error, &put.input, None).await;
                }
            };
            // Only what was right before can have been changed by others.
            let was_right = placement.input == put.input && placement.begun_for.is_empty();
            if let (Some(what), true) = (drift, was_right) {
                if errand.ground.region.drift == DriftPolicy::Report && !how.repair {
                    pass.tell(&seen, self.now(), |most| self.jittered(most));
                    return self.drifted(&errand, known, &put, what).await;
                }
                self.tell_placement(&errand, placement, Done::Drifted);
                repaired = Some(what);
            }
        }
        let content = match content {
            Content::Known(_) => match self.content(&errand, &put).await? {
                Ok(content) => content,
                Err(error) => return self.fail_pair(&errand, known, &error, &put.input, None).await,
            },
            ready @ Content::Ready { .. } => ready,
        };
        self.push(errand, known, put, content, &*target, place, pass, repaired).await
    }

    /// When to look again, where somebody else is at it.
    pub(super) fn busy(&self, placement: &Placement) -> Option<Timestamp> {
        let attempt = placement.attempt.as_ref()?;
        let nodes = &self.regions.ports.nodes;
        // In this process all stand in one queue: what is marked is left over.
        let is_over = attempt.by == nodes.process()
            || attempt.until <= self.now()
            || match attempt.node {
                Some(node) => nodes.has_ended(node, attempt.by),
                None => nodes.is_alone(),
            };
        (!is_over).then(|| attempt.until.min(self.now() + LOOK_AGAIN))
    }

    /// How many pairs of a region may be on their way at once.
    #[must_use]
    pub fn region_concurrency(&self) -> usize {
        self.regions.ports.concurrency
    }

    /// Whether a region's target is down, as far as this process has found.
    #[must_use]
    pub fn is_region_down(&self, region: RegionId) -> bool {
        self.regions.gate(region).why_open().is_some()
    }
}

/// What was called for is done, and another node had the last word about it.
#[derive(Debug, thiserror::Error)]
#[error("another node took the push over")]
pub(super) struct Overtaken;

impl From<Open> for Settled {
    fn from(open: Open) -> Self {
        Self::KeptOff { until: open.until, message: open.error.to_string() }
    }
}

/// Whether what is there is what was last put there, as far as we know.
fn is_known(placement: &Placement) -> bool {
    placement.begun_for.is_empty() && !placement.reported && !placement.doubtful && !placement.content.is_empty()
}

/// A failure whose time has not come.
pub(super) fn waiting(
    placement: &Placement,
    ground: &Ground,
    wish: &str,
    now: Timestamp,
    how: &Settling,
) -> Option<Settled> {
    let due_at = is_waiting(placement, ground, wish, now).filter(|_| !how.eager)?;
    let message = placement.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
    Some(Settled::Failed { due_at, message, passing: true })
}

/// When a pair is tried again that has failed. Another wish, or a region that an
/// operator has changed since, is not held up by what failed before.
pub(super) fn is_waiting(placement: &Placement, ground: &Ground, wish: &str, now: Timestamp) -> Option<Timestamp> {
    let failure = placement.failure.as_ref().filter(|_| placement.state == SyncState::Error)?;
    let same = failure.wish == wish && failure.at >= ground.region.updated_at;
    (same && failure.due_at > now).then_some(failure.due_at)
}

/// What a failure to bring this about is a failure of.
pub(super) fn waits_for(wanted: &Wanted) -> &str {
    match wanted {
        Wanted::Put(put) => &put.input,
        Wanted::Gone { .. } => REMOVAL,
        Wanted::Anything | Wanted::AsItIs | Wanted::Unclear(_) => "",
    }
}

/// How long a push takes as a rule, or a node to be taken for gone.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// What is begun, or failed, that puts nothing. No fingerprint is it.
pub(super) const REMOVAL: &str = "-";

/// Whether another try may go better without anybody doing something.
pub(super) fn is_passing(error: &TargetError) -> bool {
    match error {
        TargetError::Unreachable(_) | TargetError::Throttled { .. } | TargetError::Conflict(_) => true,
        TargetError::Refused(_) | TargetError::Foreign(_) | TargetError::Invalid(_) | TargetError::Failed(_) => false,
    }
}
