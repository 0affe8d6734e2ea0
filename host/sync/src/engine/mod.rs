//! The reconcile loop: it keeps every credential in place in every region.
//!
//! It is level-triggered. A walk compares what should be with what is recorded
//! and names the pairs that have to be settled, and when; each region has a lane
//! in which so many of its pairs are settled at once, so that one that is down
//! or slow holds up no other. What changes is told at once, so that a walk of
//! that part alone is enough; that nothing is missed is the work of a walk
//! through everything from time to time. Nothing of this is kept: after a start
//! the first walk finds what was left.

mod agenda;
mod inbox;
mod lane;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bursar_domain::broker::{Broker, Extent, ReconcileOptions, Reconciled, Walk};
use bursar_domain::region::Pair;
use bursar_domain::{Error, Kind};
use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub use self::inbox::Inbox;

use self::agenda::Agenda;

/// How often everything is walked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Comparing what should be with what is recorded.
    pub interval: Duration,
    /// Looking at what is there.
    pub verify_interval: Duration,
}

/// Runs until `shutdown`, then waits a while for what is on its way: what is cut
/// off is found and finished by the next start.
pub async fn run(broker: Arc<Broker>, inbox: Arc<Inbox>, pace: Pace, shutdown: CancellationToken) {
    let mut agenda = Agenda::new(broker.reconciler.concurrency());
    let mut settling: JoinSet<(Pair, Result<Reconciled, Error>)> = JoinSet::new();
    let mut walks: JoinSet<(Walked, Result<Walk, Error>)> = JoinSet::new();
    let mut rounds = interval(pace.interval);
    let mut looks = interval(pace.verify_interval);
    for ticks in [&mut rounds, &mut looks] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    // At the start one round is enough.
    looks.tick().await;
    let (mut rounding, mut hinted) = (false, false);
    loop {
        while let Some((pair, look)) = agenda.next(&broker) {
            let broker = broker.clone();
            settling.spawn(settle(broker, pair, look));
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(Ok((pair, outcome))) = settling.join_next() => {
                if let Some(extent) = agenda.settled(&broker, pair, outcome) {
                    inbox.hint(extent);
                }
            }
            Some(Ok((walked, walk))) = walks.join_next() => {
                match walked {
                    Walked::Round { .. } => rounding = false,
                    Walked::Hints => hinted = false,
                }
                let look = matches!(walked, Walked::Round { look: true });
                // The next round finds what this one did not.
                let failed = match walk {
                    Ok(walk) => {
                        agenda.take(walk.due, look, broker.kernel.ports.now());
                        walk.failed
                    }
                    Err(error) => Some(error),
                };
                if let Some(error) = failed {
                    let cause = error.source.as_ref().map(tracing::field::display);
                    tracing::warn!(%error, cause, "what is to be synced could not be read");
                }
            }
            () = agenda.wake() => {}
            _ = rounds.tick(), if !rounding => {
                rounding = true;
                walks.spawn(round(broker.clone(), false));
            }
            _ = looks.tick(), if !rounding => {
                rounding = true;
                walks.spawn(round(broker.clone(), true));
            }
            extents = inbox.take(), if !hinted => {
                hinted = true;
                walks.spawn(follow(broker.clone(), extents));
            }
        }
    }
    walks.abort_all();
    let rest = async { while settling.join_next().await.is_some() {} };
    if tokio::time::timeout(PATIENCE, rest).await.is_err() {
        tracing::info!("pushes that were on their way at the stop are finished by the next start");
    }
}

async fn settle(broker: Arc<Broker>, pair: Pair, look: bool) -> (Pair, Result<Reconciled, Error>) {
    let how = ReconcileOptions::system(&broker.kernel.ports);
    let how = if look { how.verifying() } else { how };
    (pair, to_an_answer(Box::pin(broker.reconciler.reconcile(pair, &how))).await)
}

/// A panic is a defect of one pair, and does not stop the others.
async fn to_an_answer<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let defect = |_| Err(Error::new(Kind::Internal, "a part of the broker failed: see its log"));
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(defect)
}

/// What a walk was made for.
enum Walked {
    Round { look: bool },
    Hints,
}

async fn round(broker: Arc<Broker>, look: bool) -> (Walked, Result<Walk, Error>) {
    (Walked::Round { look }, to_an_answer(broker.regions.walk(Extent::Everything, look)).await)
}

async fn follow(broker: Arc<Broker>, extents: Vec<Extent>) -> (Walked, Result<Walk, Error>) {
    let mut all = Walk::default();
    for extent in extents {
        match to_an_answer(broker.regions.walk(extent, false)).await {
            Ok(walk) => {
                all.due.extend(walk.due);
                all.failed = all.failed.or(walk.failed);
            }
            Err(error) => all.failed = all.failed.or(Some(error)),
        }
    }
    (Walked::Hints, Ok(all))
}

/// How long a stop waits for pushes that are on their way.
const PATIENCE: Duration = Duration::from_secs(10);
