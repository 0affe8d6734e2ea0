//! The reconcile loop: it keeps every credential in place in every region.
//!
//! It is level-triggered. A walk compares the desired state with the records, and
//! returns the pairs to settle, and when. Each region has a lane that settles a
//! limited number of its pairs at once, so a region that is down or slow delays no
//! other. Changes are reported at once, and only the part that changed is walked; a
//! periodic walk through everything makes sure that nothing is missed. Nothing of
//! this is stored: after a start the first walk finds what is left to do.

mod agenda;
mod inbox;
mod lane;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use crate::Pair;
use crate::{Attachments, Extent, ReconcileOptions, Reconciled, Walk};
use bursar_kernel::{Error, Kind};
use futures::FutureExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub use self::inbox::Inbox;

use self::agenda::Agenda;

/// How often to walk everything.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// To compare the desired state with the records.
    pub interval: Duration,
    /// To look at the targets.
    pub verify_interval: Duration,
}

/// Runs until `shutdown`, then waits a while for pushes in progress. The next start
/// finds and finishes those that are cut off.
pub async fn run(attachments: Arc<Attachments>, inbox: Arc<Inbox>, pace: Pace, shutdown: CancellationToken) {
    let mut agenda = Agenda::new(attachments.reconciler.concurrency());
    let mut reconciling: JoinSet<(Pair, Result<Reconciled, Error>)> = JoinSet::new();
    let mut walks: JoinSet<(WalkCause, Result<Walk, Error>)> = JoinSet::new();
    let mut rounds = interval(pace.interval);
    let mut looks = interval(pace.verify_interval);
    for ticks in [&mut rounds, &mut looks] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    // One walk at the start is enough.
    looks.tick().await;
    let (mut rounding, mut hinted) = (false, false);
    loop {
        while let Some((pair, look)) = agenda.next(&attachments) {
            let attachments = attachments.clone();
            reconciling.spawn(reconcile(attachments, pair, look));
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(Ok((pair, outcome))) = reconciling.join_next() => {
                if let Some(extent) = agenda.reconciled(&attachments, pair, outcome) {
                    inbox.hint(extent);
                }
            }
            Some(Ok((cause, walk))) = walks.join_next() => {
                match cause {
                    WalkCause::Round { .. } => rounding = false,
                    WalkCause::Hints => hinted = false,
                }
                let look = matches!(cause, WalkCause::Round { look: true });
                // The next walk finds what this one missed.
                let failed = match walk {
                    Ok(walk) => {
                        agenda.take(walk.due, look, attachments.kernel.ports.now());
                        walk.failed
                    }
                    Err(error) => Some(error),
                };
                if let Some(error) = failed {
                    let cause = error.source.as_ref().map(tracing::field::display);
                    tracing::warn!(%error, cause, "the records to be synced could not be read");
                }
            }
            () = agenda.wake() => {}
            _ = rounds.tick(), if !rounding => {
                rounding = true;
                walks.spawn(round(attachments.clone(), false));
            }
            _ = looks.tick(), if !rounding => {
                rounding = true;
                walks.spawn(round(attachments.clone(), true));
            }
            extents = inbox.take(), if !hinted => {
                hinted = true;
                walks.spawn(follow(attachments.clone(), extents));
            }
        }
    }
    walks.abort_all();
    let rest = async { while reconciling.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, rest).await.is_err() {
        tracing::info!("pushes in progress at shutdown are finished by the next start");
    }
}

async fn reconcile(attachments: Arc<Attachments>, pair: Pair, look: bool) -> (Pair, Result<Reconciled, Error>) {
    let options = ReconcileOptions::system(&attachments.kernel.ports);
    let options = if look { options.verifying() } else { options };
    (pair, catch_panic(Box::pin(attachments.reconciler.reconcile(pair, &options))).await)
}

/// Turns a panic into an error: a defect of one pair does not stop the others.
async fn catch_panic<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let defect = |_| Err(Error::new(Kind::Internal, "a part of the broker failed: see its log"));
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(defect)
}

/// Why a walk was started.
enum WalkCause {
    Round { look: bool },
    Hints,
}

async fn round(attachments: Arc<Attachments>, look: bool) -> (WalkCause, Result<Walk, Error>) {
    (WalkCause::Round { look }, catch_panic(attachments.walk(Extent::Everything, look)).await)
}

async fn follow(attachments: Arc<Attachments>, extents: Vec<Extent>) -> (WalkCause, Result<Walk, Error>) {
    let mut all = Walk::default();
    for extent in extents {
        match catch_panic(attachments.walk(extent, false)).await {
            Ok(walk) => {
                all.due.extend(walk.due);
                all.failed = all.failed.or(walk.failed);
            }
            Err(error) => all.failed = all.failed.or(Some(error)),
        }
    }
    (WalkCause::Hints, Ok(all))
}

/// How long a shutdown waits for pushes in progress.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
