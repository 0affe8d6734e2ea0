//! The ports through which the broker reaches the world.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::audit::{Action, Event};
use crate::clock::{Clock, Entropy, Timer};
use crate::plugin::Plugins;
use crate::store::{BlindIndex, Store};
use crate::{Notice, Notices};

/// The ports. Cheap to clone.
#[derive(Clone)]
pub struct Ports {
    /// Storage.
    pub store: Arc<dyn Store>,
    /// Keyed digests.
    pub blind: Arc<dyn BlindIndex>,
    /// Credential types.
    pub plugins: Arc<dyn Plugins>,
    /// Subscribers to changes.
    pub notices: Arc<dyn Notices>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Waiting.
    pub timer: Arc<dyn Timer>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Ports {
    /// Storage.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Keyed digests.
    #[must_use]
    pub fn blind(&self) -> &dyn BlindIndex {
        &*self.blind
    }

    /// Credential types.
    #[must_use]
    pub fn plugins(&self) -> &dyn Plugins {
        &*self.plugins
    }

    /// The time, by the broker's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Publishes a change. Does not wait.
    pub fn tell(&self, notice: &Notice) {
        self.notices.tell(notice);
    }

    /// An event of the broker's own, now.
    #[must_use]
    pub fn system_event(&self, action: Action) -> Event {
        Event::system(self.now(), action)
    }

    /// A new time-ordered id (RFC 9562, section 5.7).
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        let mut random = [0_u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A random part of `most`, so that those who wait do not come back together.
    #[must_use]
    pub fn jittered(&self, most: Duration) -> Duration {
        let mut random = [0_u8; 2];
        self.entropy.fill(&mut random);
        most * u32::from(u16::from_be_bytes(random)) / u32::from(u16::MAX)
    }

    /// Waits, unless the wait would end past `deadline`. Returns whether it did.
    pub async fn wait(&self, wanted: Duration, deadline: Timestamp) -> bool {
        let fits = SignedDuration::try_from(wanted)
            .ok()
            .and_then(|wanted| self.now().checked_add(wanted).ok())
            .is_some_and(|then| then <= deadline);
        if fits {
            self.timer.sleep(wanted).await;
        }
        fits
    }
}
