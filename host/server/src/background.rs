//! Background work: persists token uses and refusals, deletes expired records, and
//! cleans up DNS records whose change was interrupted.

use std::time::Duration;

use bursar_dns::SweepFailure;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Runs until `shutdown`, then persists what is pending. DNS providers can be slow,
/// so their cleanup does not delay the rest.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    tokio::join!(flush_and_sweep(&app, &shutdown), clean_up(&app, &shutdown));
    flush(&app).await;
}

async fn flush_and_sweep(app: &App, shutdown: &CancellationToken) {
    // The first round lasts a full minute too.
    let mut flushes = interval_at(Instant::now() + FLUSH_EVERY, FLUSH_EVERY);
    let mut sweeps = interval(SWEEP_EVERY);
    for ticks in [&mut flushes, &mut sweeps] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = flushes.tick() => flush(app).await,
            _ = sweeps.tick() => sweep(app).await,
        }
    }
}

/// A round that shutdown interrupts is resumed after the next start.
async fn clean_up(app: &App, shutdown: &CancellationToken) {
    let mut rounds = interval(CLEAN_UP_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let forever = async {
        loop {
            rounds.tick().await;
            sweep_dns(app).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = forever => {}
    }
}

/// Persists when tokens were last used and how many requests were refused.
pub(crate) async fn flush(app: &App) {
    app.limiter().forget_idle();
    if let Err(error) = app.broker().tokens.flush_uses().await {
        warn("token uses could not be written", &error);
    }
    if let Err(error) = app.broker().kernel.journal.flush_repeated_refusals().await {
        warn("repeated refusals could not be recorded", &error);
    }
    for (prefix, count) in app.refusals().drain() {
        if let Err(error) = app.broker().tokens.record_refused(prefix.clone(), count).await {
            app.refusals().put_back(prefix, count);
            warn("refused requests could not be recorded", &error);
        }
    }
}

async fn sweep(app: &App) {
    if let Err(error) = app.broker().sweep().await {
        warn("expired records could not be deleted", &error);
    }
}

/// Warns once of a record that cannot be cleaned up, not in every round.
async fn sweep_dns(app: &App) {
    match app.broker().dns.sweep().await {
        Ok(failures) => {
            for SweepFailure { credential, fqdn, reason, failures } in failures {
                if failures == 1 {
                    tracing::warn!(%credential, fqdn, reason, "a DNS record could not be cleaned up; it will be retried");
                } else {
                    tracing::debug!(%credential, fqdn, reason, failures, "a DNS record could not be cleaned up");
                }
            }
        }
        Err(error) => warn("DNS records could not be cleaned up", &error),
    }
}

fn warn(what: &'static str, error: &bursar_kernel::Error) {
    tracing::warn!(%error, cause = error.source.as_ref().map(tracing::field::display), "{what}");
}

const FLUSH_EVERY: Duration = Duration::from_mins(1);
const SWEEP_EVERY: Duration = Duration::from_hours(1);
const CLEAN_UP_EVERY: Duration = Duration::from_mins(3);
