//! The upkeep of this node's audit chain: at start and every few minutes it
//! records how far the other nodes' chains have come, and lets the oldest of its
//! own leave the store once it takes too much.

use std::sync::Arc;
use std::time::Duration;

use bursar_store::Ledger;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chain;
use crate::config::Retention;

/// Goes on until it is stopped.
pub(super) struct ChainUpkeep {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl ChainUpkeep {
    pub(super) fn start(ledger: &Arc<Ledger>, retention: Retention) -> Self {
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(Arc::clone(ledger), retention, stop.clone()));
        Self { stop, running }
    }

    /// Waits for what has begun.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        // It ends by itself; if it panicked, that was told then.
        let _ = self.running.await;
    }
}

async fn run(ledger: Arc<Ledger>, retention: Retention, stop: CancellationToken) {
    let mut prune_at = Instant::now();
    loop {
        anchor(&ledger).await;
        if prune_at <= Instant::now() && !prune(&ledger, &retention, &stop).await {
            prune_at = Instant::now() + AFTER_FAILURE;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn anchor(ledger: &Ledger) {
    match ledger.anchor().await {
        Ok(broken) => {
            for sentence in broken {
                tracing::error!(problem = sentence, "another node's audit chain is less than it was");
            }
        }
        Err(error) => tracing::error!(error = chain(&error), "the other nodes' audit chains could not be anchored"),
    }
}

/// Answers whether nothing is in the way.
async fn prune(ledger: &Ledger, retention: &Retention, stop: &CancellationToken) -> bool {
    while !stop.is_cancelled() {
        match ledger.prune(retention.max_bytes, &retention.segments).await {
            Ok(None) => break,
            Ok(Some(pruned)) => {
                let (first, last) = (pruned.first, pruned.last);
                tracing::info!(first, last, segment = %pruned.segment.display(), "audit records left the store for a file");
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the audit trail is larger than audit.max_bytes and stays so");
                return false;
            }
        }
    }
    true
}

/// What a chain gained since it was last seen is what can be taken from it
/// unseen, together with the memory of its own node.
const EVERY: Duration = Duration::from_mins(5);
/// What is in the way takes a walk over everything to find.
const AFTER_FAILURE: Duration = Duration::from_hours(1);
