//! On whose behalf and how thoroughly to reconcile, and how it went.

use bursar_kernel::Ports;
use bursar_kernel::audit::{Action, Event};
use jiff::Timestamp;

use super::circuit_breaker::OpenState;

/// On whose behalf and how thoroughly.
#[derive(Clone)]
pub struct ReconcileOptions {
    /// Who asks: the events are theirs. Of a caller, or the broker's own.
    by: Event,
    /// A person waits: what has failed is tried at once.
    pub(crate) ignore_backoff: bool,
    /// What is at the target is checked, also where all seems well.
    pub(crate) verify: bool,
    /// What others changed is put right whatever the region's policy says.
    pub(crate) repair: bool,
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconciled {
    /// All is as it should be, and was.
    Unchanged,
    /// It was put there.
    Pushed,
    /// It was removed, or is nobody's any more.
    Removed,
    /// The same, and the account has let go of the region: where this was the
    /// last one, that has ended (see [`crate::Regions::conclude_detaching`]).
    Detached,
    /// The region is paused.
    Left,
    /// Somebody changed what is there, and the policy is to report that.
    Drifted,
    /// Somebody else is at it: check again then.
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
        /// Whether another try may go better on its own.
        passing: bool,
    },
}

impl ReconcileOptions {
    /// The broker's own work.
    #[must_use]
    pub fn system(ports: &Ports) -> Self {
        Self::by(ports.system_event(Action::CredentialSync))
    }

    /// A caller's wish: `event` names them.
    pub(crate) fn by(event: Event) -> Self {
        Self { by: event, ignore_backoff: false, verify: false, repair: false }
    }

    /// A person waits.
    #[must_use]
    pub fn eagerly(self) -> Self {
        Self { ignore_backoff: true, ..self }
    }

    /// Nobody waits any more.
    pub(crate) fn patiently(self) -> Self {
        Self { ignore_backoff: false, ..self }
    }

    /// Also checks what seems well.
    #[must_use]
    pub fn verifying(self) -> Self {
        Self { verify: true, ..self }
    }

    /// Puts right what others changed.
    pub(crate) fn repairing(self) -> Self {
        Self { repair: true, ..self }
    }

    pub(crate) fn event(&self, at: Timestamp, action: Action) -> Event {
        Event { at, action, ..self.by.clone() }
    }
}

impl From<OpenState> for Reconciled {
    fn from(open: OpenState) -> Self {
        Self::KeptOff { until: open.until, message: open.error.to_string() }
    }
}
