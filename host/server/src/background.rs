//! What happens without a request: writing down token uses and refusals,
//! clearing what has had its time, and cleaning up DNS records that were cut
//! off.

use std::time::Duration;

use bursar_domain::broker::SweepFailure;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Runs until `shutdown`, then writes down the rest. Services outside may take
/// their time, so what asks them does not hold up the books.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    tokio::join!(keep_books(&app, &shutdown), clean_up(&app, &shutdown));
    flush(&app).await;
}

async fn keep_books(app: &App, shutdown: &CancellationToken) {
    // A round lasts its whole minute, the first one too.
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

/// A round that the shutdown cuts off leaves its record to the next start's.
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

/// Writes down when tokens were used and how many requests were refused.
pub(crate) async fn flush(app: &App) {
    app.limiter().forget_idle();
    if let Err(error) = app.broker().flush_token_uses().await {
        warn("the last uses of tokens could not be written", &error);
    }
    if let Err(error) = app.broker().flush_repeated_refusals().await {
        warn("repeated refusals could not be recorded", &error);
    }
    for (prefix, count) in app.refusals().drain() {
        if let Err(error) = app.broker().record_refused_tokens(prefix.clone(), count).await {
            app.refusals().put_back(prefix, count);
            warn("refused requests could not be recorded", &error);
        }
    }
}

async fn sweep(app: &App) {
    if let Err(error) = app.broker().sweep().await {
        warn("old records could not be cleared", &error);
    }
}

/// Tells of a record that cannot be cleaned up once, not in each round.
async fn sweep_dns(app: &App) {
    match app.broker().sweep_dns().await {
        Ok(failures) => {
            for SweepFailure { credential, fqdn, reason, failures } in failures {
                if failures == 1 {
                    tracing::warn!(%credential, fqdn, reason, "a DNS record could not be cleaned up: it is tried again");
                } else {
                    tracing::debug!(%credential, fqdn, reason, failures, "a DNS record could not be cleaned up");
                }
            }
        }
        Err(error) => warn("DNS records could not be cleaned up", &error),
    }
}

fn warn(what: &'static str, error: &bursar_domain::Error) {
    tracing::warn!(%error, cause = error.source.as_ref().map(tracing::field::display), "{what}");
}

const FLUSH_EVERY: Duration = Duration::from_mins(1);
const SWEEP_EVERY: Duration = Duration::from_hours(1);
const CLEAN_UP_EVERY: Duration = Duration::from_mins(3);
