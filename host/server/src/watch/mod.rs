//! Watching changes: the events of accounts, and the metrics of regions.
//!
//! The newest events are kept in a ring. Each stream reads it at its own pace, so a
//! slow one delays no other, and an interrupted one resumes the same way. A stream that
//! fell out of the ring is told to read everything again.

mod event;
mod feed;
mod metrics;
mod ring;
mod streams;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bursar_kernel::clock::Entropy;
use bursar_kernel::id::AccountId;
use bursar_kernel::{Notice, Notices};
use tokio::sync::watch;

use self::event::Event;
pub(crate) use self::feed::Feed;
pub(crate) use self::metrics::SyncMetrics;
use self::ring::{Ring, Since};
pub use self::streams::EventStreams;
pub(crate) use self::streams::{OpenStream, Streams};

/// Passes the broker's notices on to streams and metrics. Never blocks.
pub struct Watchers {
    /// Distinguishes this process's event numbers from another's.
    epoch: OnceLock<String>,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    metrics: SyncMetrics,
}

/// A reading position in the events.
pub(crate) struct Subscription {
    watchers: Arc<Watchers>,
    seen: u64,
    news: watch::Receiver<u64>,
    missed: bool,
}

/// What a watcher receives next.
pub(crate) enum Update {
    /// Events were missed: the client must read everything again.
    Reset,
    /// Something changed.
    Event(Arc<Event>),
}

impl Watchers {
    /// Without events yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            epoch: OnceLock::new(),
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
            metrics: SyncMetrics::default(),
        })
    }

    /// Chooses the prefix of this process's event ids.
    pub(crate) fn begin(&self, entropy: &dyn Entropy) {
        let mut bytes = [0_u8; 8];
        entropy.fill(&mut bytes);
        // The first one stays, so that issued ids remain valid.
        let _ = self.epoch.set(format!("{:016x}", u64::from_be_bytes(bytes)));
    }

    pub(crate) fn metrics(&self) -> &SyncMetrics {
        &self.metrics
    }

    /// Starts after the event with the id `last`, or now. Where `last` cannot be resumed
    /// from, the first update is a reset.
    pub(crate) fn subscribe(self: &Arc<Self>, last: Option<&str>) -> Subscription {
        let news = self.newest.subscribe();
        let ring = self.ring();
        let resumed = last.map(|last| self.number_of(last).filter(|number| ring.reaches_back_to(*number)));
        let (seen, missed) = match resumed {
            None => (ring.newest(), false),
            Some(Some(number)) => (number, false),
            Some(None) => (ring.newest(), true),
        };
        drop(ring);
        Subscription { watchers: Arc::clone(self), seen, news, missed }
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch())
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        id.strip_prefix(self.epoch())?.strip_prefix('-')?.parse().ok()
    }

    fn epoch(&self) -> &str {
        self.epoch.get().map_or("0", String::as_str)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notices for Watchers {
    fn tell(&self, notice: &Notice) {
        self.metrics.count(notice);
        let Some(event) = Event::of(notice) else { return };
        let number = self.ring().push(event);
        self.newest.send_replace(number);
    }
}

impl Subscription {
    /// Whether the first update is a reset: until then the client has no id to resume
    /// from.
    pub(crate) fn begins_anew(&self) -> bool {
        self.missed
    }

    /// Waits for the next update for `account`.
    pub(crate) async fn next(&mut self, account: AccountId) -> Update {
        loop {
            // Before reading, so that no event in between is missed.
            self.news.mark_unchanged();
            let since = self.watchers.ring().since(self.seen, account);
            match since {
                _ if self.missed => {
                    self.missed = false;
                    return Update::Reset;
                }
                Since::Missed { newest } => {
                    self.seen = newest;
                    return Update::Reset;
                }
                Since::Event(number, event) => {
                    self.seen = number;
                    return Update::Event(event);
                }
                Since::Nothing { newest } => self.seen = newest,
            }
            if self.news.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The id of the last update: resuming from it misses nothing.
    pub(crate) fn id(&self) -> String {
        self.watchers.id(self.seen)
    }
}

#[cfg(test)]
mod tests {
    use bursar_kernel::id::{CredentialId, RegionId};
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn watchers() -> Arc<Watchers> {
        let watchers = Watchers::new();
        watchers.begin(&Fixed);
        watchers
    }

    fn account(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    fn credential(account: AccountId, name: &str) -> Notice {
        let credential = CredentialId(Uuid::from_u128(9));
        Notice::Credential { account, credential, name: name.to_owned(), change: "updated" }
    }

    /// What is to be told at once; `-` for a reset.
    fn told(subscription: &mut Subscription, account: AccountId) -> Option<String> {
        Some(match subscription.next(account).now_or_never()? {
            Update::Reset => "-".to_owned(),
            Update::Event(event) => format!("{} {}", event.name(), event.data(true)),
        })
    }

    #[test]
    fn an_account_is_told_its_own_and_what_concerns_all() {
        let watchers = watchers();
        let mut mine = watchers.subscribe(None);
        watchers.tell(&credential(account(1), "mine"));
        watchers.tell(&credential(account(2), "theirs"));
        watchers.tell(&Notice::Plugins);
        watchers.tell(&Notice::Account(account(2)));
        let region = RegionId(Uuid::from_u128(5));
        watchers.tell(&Notice::Region { region, accounts: Some([account(2)].into()) });
        watchers.tell(&Notice::Region { region, accounts: None });
        watchers.tell(&Notice::Walked(Vec::new()));
        assert!(told(&mut mine, account(1)).unwrap().contains(r#""name":"mine""#));
        assert_eq!(told(&mut mine, account(1)).unwrap(), "plugins {}");
        assert!(told(&mut mine, account(1)).unwrap().starts_with("region {\"region\":"));
        assert_eq!(told(&mut mine, account(1)), None);
    }

    #[test]
    fn who_was_cut_off_resumes_where_they_were() {
        let watchers = watchers();
        let mut first = watchers.subscribe(None);
        let at_the_start = first.id();
        for name in ["a", "b"] {
            watchers.tell(&credential(account(1), name));
        }
        assert!(told(&mut first, account(1)).unwrap().contains("\"a\""));
        let mut second = watchers.subscribe(Some(&first.id()));
        assert!(told(&mut second, account(1)).unwrap().contains("\"b\""));
        assert_eq!(told(&mut second, account(1)), None);
        let mut third = watchers.subscribe(Some(&at_the_start));
        assert!(told(&mut third, account(1)).unwrap().contains("\"a\""));
    }

    #[test]
    fn what_cannot_be_resumed_is_a_reset() {
        let watchers = watchers();
        let old = watchers.subscribe(None).id();
        let mut slow = watchers.subscribe(None);
        for _ in 0..=ring::CAPACITY {
            watchers.tell(&credential(account(1), "x"));
        }
        let newest = watchers.id(ring::CAPACITY as u64 + 1);
        let beyond = watchers.id(ring::CAPACITY as u64 + 2);
        for id in [old.as_str(), "another-7", "nonsense", "", &beyond] {
            let mut subscription = watchers.subscribe(Some(id));
            assert_eq!(told(&mut subscription, account(1)).as_deref(), Some("-"), "{id}");
            assert_eq!(told(&mut subscription, account(1)), None, "{id}");
            assert_eq!(subscription.id(), newest);
        }
        assert_eq!(told(&mut slow, account(1)).as_deref(), Some("-"), "it was too slow");
        watchers.tell(&credential(account(1), "y"));
        assert!(told(&mut slow, account(1)).unwrap().contains("\"y\""));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let watchers = watchers();
        let mut subscription = watchers.subscribe(None);
        let waiting = tokio::spawn(async move { matches!(subscription.next(account(1)).await, Update::Event(_)) });
        tokio::task::yield_now().await;
        watchers.tell(&credential(account(2), "theirs"));
        tokio::task::yield_now().await;
        watchers.tell(&credential(account(1), "mine"));
        assert!(waiting.await.unwrap());
    }
}
