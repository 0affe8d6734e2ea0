//! What happens without a request: writing down token uses and refusals, and
//! clearing what has had its time.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Runs until `shutdown`, then writes down the rest.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    // A round lasts its whole minute, the first one too.
    let mut flushes = interval_at(Instant::now() + FLUSH_EVERY, FLUSH_EVERY);
    let mut sweeps = interval(SWEEP_EVERY);
    for ticks in [&mut flushes, &mut sweeps] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = flushes.tick() => flush(&app).await,
            _ = sweeps.tick() => sweep(&app).await,
        }
    }
    flush(&app).await;
}

/// Writes down when tokens were used and how many requests were refused.
pub(crate) async fn flush(app: &App) {
    app.limiter().forget_idle();
    if let Err(error) = app.broker().flush_token_uses().await {
        warn("the last uses of tokens could not be written", &error);
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

fn warn(what: &'static str, error: &bursar_domain::Error) {
    tracing::warn!(%error, cause = error.source.as_ref().map(tracing::field::display), "{what}");
}

const FLUSH_EVERY: Duration = Duration::from_mins(1);
const SWEEP_EVERY: Duration = Duration::from_hours(1);
