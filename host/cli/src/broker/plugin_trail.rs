//! What happens to plugins while the broker runs, written to the audit trail.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bursar_broker::Broker;
use bursar_kernel::audit::Action;
use bursar_kernel::plugin::State;
use bursar_kernel::{Error, Notice, Notices as _};
use bursar_plugin_host::{PluginEvent, Watching};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::chain;
use super::counted::CountedPlugins;
use super::regions::Audience;

/// Watches the plugin folders and records what comes of it.
pub(super) struct PluginTrail {
    watching: Watching,
    stop: CancellationToken,
    recording: JoinHandle<()>,
}

impl PluginTrail {
    /// Goes on until [`PluginTrail::stop`].
    pub(super) fn start(plugins: &Arc<CountedPlugins>, broker: &Arc<Broker>, audience: &Audience) -> Self {
        let stop = CancellationToken::new();
        let watching = plugins.host().watch();
        let recording = tokio::spawn(run(Arc::clone(plugins), Arc::clone(broker), audience.clone(), stop.clone()));
        Self { watching, stop, recording }
    }

    /// Records the rest.
    pub(super) async fn stop(self) {
        drop(self.watching);
        self.stop.cancel();
        // It ends by itself; if it panicked, that was told then.
        let _ = self.recording.await;
    }
}

/// Records events in order, taking each out once it is durable.
///
/// # Errors
///
/// Where storage fails; the rest is still in `events`.
pub(super) async fn record(broker: &Broker, events: &mut VecDeque<PluginEvent>) -> Result<(), Error> {
    while let Some(event) = events.front() {
        let (action, detail) = about(event);
        broker.kernel.journal.record_system(action, detail).await?;
        events.pop_front();
    }
    Ok(())
}

async fn run(plugins: Arc<CountedPlugins>, broker: Arc<Broker>, audience: Audience, stop: CancellationToken) {
    let mut events = VecDeque::new();
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            more = plugins.host().events(), if events.is_empty() => {
                events.extend(more);
                false
            }
            () = tokio::time::sleep(AGAIN), if !events.is_empty() => false,
        };
        events.extend(plugins.host().pending_events());
        if !events.is_empty() {
            audience.tell(&Notice::Plugins);
        }
        if let Err(error) = record(&broker, &mut events).await {
            tracing::warn!(error = chain(&error), "what happened to plugins could not be recorded; trying again");
        }
        if stopping {
            return;
        }
    }
}

fn about(event: &PluginEvent) -> (Action, Value) {
    match event {
        PluginEvent::Loaded { id, version, digest, source, replaces } => (
            Action::PluginLoad,
            json!({"id": id, "version": version, "digest": digest, "source": source, "replaces": replaces,
                "state": State::Active}),
        ),
        PluginEvent::Waiting { id, version, digest, source, state, reason } => (
            Action::PluginLoad,
            json!({"id": id, "version": version, "digest": digest, "source": source, "state": state, "reason": reason}),
        ),
        PluginEvent::Rejected { id, digest, source, reason } => {
            (Action::PluginReject, json!({"id": id, "digest": digest, "source": source, "reason": reason}))
        }
        PluginEvent::Removed { id, digest, source } => {
            (Action::PluginRemove, json!({"id": id, "digest": digest, "source": source}))
        }
    }
}

/// While storage is away.
const AGAIN: Duration = Duration::from_secs(1);
