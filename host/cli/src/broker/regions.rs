//! What the broker deals with regions through, and the loop that keeps them in
//! place.

use std::sync::Arc;
use std::time::Duration;

use bursar_broker::Broker;
use bursar_kernel::{Notice, Notices};
use bursar_regions::Attachments;
use bursar_regions::engine::{self, Inbox, Pace};
use bursar_server::Watchers;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;

/// Those who are told what changes.
#[derive(Clone)]
pub(super) struct Audience {
    inbox: Arc<Inbox>,
    watchers: Arc<Watchers>,
}

/// The reconcile loop.
pub(super) struct Reconciling {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Audience {
    pub(super) fn new() -> Self {
        Self { inbox: Arc::default(), watchers: Watchers::new() }
    }

    pub(super) fn watchers(&self) -> Arc<Watchers> {
        self.watchers.clone()
    }

    /// What is to be walked.
    pub(super) fn inbox(&self) -> Arc<Inbox> {
        self.inbox.clone()
    }
}

impl Notices for Audience {
    fn tell(&self, notice: &Notice) {
        self.inbox.tell(notice);
        self.watchers.tell(notice);
    }
}

impl Reconciling {
    /// Goes on until [`Reconciling::stop`].
    pub(super) fn start(broker: &Arc<Broker>, audience: &Audience, settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let running =
            tokio::spawn(run(broker.attachments.clone(), audience.inbox.clone(), settings.sync.pace, stop.clone()));
        Self { stop, running }
    }

    /// Waits a while for what is on its way.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        // It ends by itself; if it panicked, that was told then.
        let _ = self.running.await;
    }
}

/// Keeps nothing, so that it can begin anew after a defect: the first walk finds
/// everything.
async fn run(attachments: Arc<Attachments>, inbox: Arc<Inbox>, pace: Pace, stop: CancellationToken) {
    loop {
        let reconciling = engine::run(attachments.clone(), inbox.clone(), pace, stop.clone());
        match tokio::spawn(reconciling).await {
            Ok(()) => return,
            Err(error) => tracing::error!(%error, "keeping regions in place failed: it begins anew"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

const PAUSE: Duration = Duration::from_secs(1);
