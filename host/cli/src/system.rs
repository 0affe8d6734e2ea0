//! The system's own time, behind the domain's port.

use bursar_domain::clock::Clock;
use jiff::Timestamp;

/// [`Clock`] by the machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port's system implementation")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
