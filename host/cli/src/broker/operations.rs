//! What the server offers of the installation beyond the broker's use cases.

use std::io::{self, Write};
use std::sync::Arc;

use async_trait::async_trait;
use bursar_domain::audit::Action;
use bursar_domain::{Error, Kind};
use bursar_server::{Engine, Operations, Stats};
use bursar_store::{Ledger, RootKeySource};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::counted::CountedPlugins;
use super::readiness::Readiness;
use super::{chain, system_event};

/// [`Operations`] over the store and the plugin host.
pub(crate) struct InstallationOperations {
    ledger: Arc<Ledger>,
    plugins: Arc<CountedPlugins>,
    root_key: RootKeySource,
    readiness: Readiness,
}

impl InstallationOperations {
    pub(super) fn new(ledger: Arc<Ledger>, plugins: Arc<CountedPlugins>, root_key: RootKeySource) -> Self {
        Self { ledger, plugins, root_key, readiness: Readiness::default() }
    }
}

#[async_trait]
impl Operations for InstallationOperations {
    fn engine(&self) -> Engine {
        Engine { allocator: self.plugins.engine_mode().as_str() }
    }

    fn stats(&self) -> Stats {
        let store = self.ledger.stats();
        Stats {
            store_commits: store.commits,
            store_batches: store.batches,
            store_conflicts: store.conflicts,
            audit_events: store.events,
            plugin_calls: self.plugins.calls(),
            plugins: self.plugins.states(),
        }
    }

    async fn ready(&self) -> Result<(), Error> {
        self.readiness.look(&*self.ledger).await
    }

    async fn backup(&self) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let (sender, receiver) = mpsc::channel(PIECES);
        let ledger = Arc::clone(&self.ledger);
        let end = sender.clone();
        tokio::spawn(async move {
            if let Err(error) = ledger.export(Pieces(sender)).await {
                tracing::warn!(error = chain(&error), "a backup ended early");
                // The client may be gone, which may be why.
                let _ = end.send(Err(Error::new(Kind::Unavailable, "the backup ended early"))).await;
            }
        });
        Ok(stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) })
            .boxed())
    }

    async fn rekey(&self) -> Result<u64, Error> {
        if !matches!(self.root_key, RootKeySource::File(_)) {
            let cure = "only a root key in a file is the broker's to rotate: stop it and run `bursar rekey --data-dir`";
            return Err(Error::new(Kind::Unsupported, cure));
        }
        self.ledger.rekey(&self.root_key, system_event(Action::InstallationRekey)).await.map_err(|error| {
            Error::new(Kind::Unavailable, "the root key could not be rotated; the old one is in force").because(error)
        })
    }
}

/// A writer whose bytes go down a channel. Used on a thread that may block.
struct Pieces(mpsc::Sender<Result<Bytes, Error>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many pieces wait for a slow client.
const PIECES: usize = 16;
