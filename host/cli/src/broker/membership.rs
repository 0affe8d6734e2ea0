//! This node's membership in the cluster: every second it updates its heartbeat,
//! follows a rotated root key and compares its clock with the database's.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bursar_kernel::nodes::{BEAT, Nodes, Vitals};
use bursar_regions::Extent;
use bursar_regions::engine::Inbox;
use bursar_store::{Ledger, RootKeyStatus};
use jiff::SignedDuration;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{SharedRootKey, chain, root_key_source};

/// Goes on until it is stopped.
pub(super) struct Membership {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// What a node does every second.
pub(super) struct Round {
    pub(super) nodes: Arc<Nodes>,
    pub(super) ledger: Arc<Ledger>,
    /// Told once another node has ended.
    pub(super) inbox: Arc<Inbox>,
    pub(super) root_key: SharedRootKey,
    told: Told,
}

/// What was said already.
#[derive(Default)]
struct Told {
    clock: bool,
    doubled: bool,
    failed: bool,
}

impl Membership {
    /// The first round is through before anybody is served, so that the others know.
    pub(super) async fn start(mut round: Round) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        round.once().await;
        let running = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(BEAT);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stopped.cancelled() => break,
                    _ = ticks.tick() => round.once().await,
                }
            }
            round.leave().await;
        });
        Self { stop, running }
    }

    /// Takes leave of the others: nothing may be under way any more.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        // It ends by itself; if it panicked, that was told then.
        let _ = self.running.await;
    }
}

impl Round {
    pub(super) fn new(nodes: Arc<Nodes>, ledger: Arc<Ledger>, inbox: Arc<Inbox>, root_key: SharedRootKey) -> Self {
        Self { nodes, ledger, inbox, root_key, told: Told::default() }
    }

    async fn once(&mut self) {
        match self.try_once().await {
            Ok(()) => self.told.failed = false,
            Err(error) => {
                if !std::mem::replace(&mut self.told.failed, true) {
                    tracing::warn!(error, "this node cannot update its heartbeat: other nodes will take it for ended");
                }
            }
        }
    }

    async fn try_once(&mut self) -> Result<(), String> {
        if self.nodes.is_alone() {
            return Ok(());
        }
        let text = |error: bursar_kernel::store::StoreError| chain(&error);
        let mut standing = self.ledger.follow_root_key().await.map_err(text)?;
        let root_key = self.root_key.read().unwrap_or_else(PoisonError::into_inner).clone();
        if matches!(standing, RootKeyStatus::Missing { .. })
            && let Ok(source) = root_key_source(&root_key)
        {
            // A passphrase's file is read anew.
            self.ledger.set_root_key_source(source);
            standing = self.ledger.follow_root_key().await.map_err(text)?;
        }
        let ahead = self.ledger.clock_ahead().await.map_err(text)?;
        self.tell_of_the_clock(ahead);
        let vitals = Vitals {
            clock_ahead_ms: ahead.map(|ahead| i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX)),
            root_key_missing: matches!(standing, RootKeyStatus::Missing { .. }),
        };
        if self.nodes.beat(vitals).await.map_err(|error| chain(&error))? {
            self.inbox.hint(Extent::Everything);
        }
        let is_doubled = self.nodes.is_doubled();
        if is_doubled && !self.told.doubled {
            tracing::error!("{DOUBLED}");
        }
        self.told.doubled = is_doubled;
        Ok(())
    }

    fn tell_of_the_clock(&mut self, ahead: Option<SignedDuration>) {
        let is_off = ahead.is_some_and(|ahead| ahead.abs() > CLOCK_WARNS);
        if is_off && !self.told.clock {
            let seconds = ahead.map(|ahead| ahead.as_secs());
            tracing::warn!(seconds, "this node's clock is ahead of the database's (negative: behind): set it right");
        } else if !is_off && self.told.clock {
            tracing::info!("this node's clock agrees with the database's again");
        }
        self.told.clock = is_off;
    }

    async fn leave(&self) {
        if let Err(error) = self.nodes.leave().await {
            tracing::debug!(error = chain(&error), "the others were not told that this node stops");
        }
    }
}

/// Why a clock keeps a node from being ready.
pub(super) fn clock_obstacle(vitals: Vitals) -> Option<String> {
    let ahead = Duration::from_millis(vitals.clock_ahead_ms?.unsigned_abs());
    let direction = if vitals.clock_ahead_ms? > 0 { "ahead of" } else { "behind" };
    (ahead > CLOCK_STOPS)
        .then(|| format!("this node's clock is {} s {direction} the database's: set it right", ahead.as_secs()))
}

/// What is wrong where a data folder was copied.
pub(super) const DOUBLED: &str =
    "another process runs as this node, from a copy of its data folder: stop one, and remove node-id there";
const CLOCK_WARNS: SignedDuration = SignedDuration::from_secs(5);
/// Leases and tokens end by the clock.
const CLOCK_STOPS: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_a_minute_off_is_an_obstacle() {
        let obstacle = |ms| clock_obstacle(Vitals { clock_ahead_ms: ms, root_key_missing: false });
        assert_eq!([None, Some(0), Some(60_000), Some(-60_000)].map(obstacle), [None, None, None, None]);
        assert!(obstacle(Some(61_500)).unwrap().contains("61 s ahead of the database's"));
        assert!(obstacle(Some(-3_600_000)).unwrap().contains("3600 s behind the database's"));
    }
}
