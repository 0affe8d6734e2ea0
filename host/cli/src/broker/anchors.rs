//! The chains of an installation's nodes hold each other: at start and every few
//! minutes this node records how far it has seen the others come.

use std::sync::Arc;
use std::time::Duration;

use bursar_store::Ledger;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::chain;

/// Anchors until it is stopped.
pub(super) struct Anchoring {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Anchoring {
    pub(super) fn start(ledger: &Arc<Ledger>) -> Self {
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(Arc::clone(ledger), stop.clone()));
        Self { stop, running }
    }

    /// Waits for what has begun.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        // It ends by itself; if it panicked, that was told then.
        let _ = self.running.await;
    }
}

async fn run(ledger: Arc<Ledger>, stop: CancellationToken) {
    loop {
        match ledger.anchor().await {
            Ok(broken) => {
                for sentence in broken {
                    tracing::error!(problem = sentence, "another node's audit chain is less than it was");
                }
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the other nodes' audit chains could not be anchored");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// What a chain gained since it was last seen is what can be taken from it
/// unseen, together with the memory of its own node.
const EVERY: Duration = Duration::from_mins(5);
