//! What the server offers of the installation beyond the broker's use cases.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use bursar_kernel::audit::Action;
use bursar_kernel::nodes::{NodeState, Nodes, Vitals};
use bursar_kernel::{Error, Kind};
use bursar_server::{Check, Engine, Operations, Readiness, Response, Stats};
use bursar_store::{Ledger, RootKeySource};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;

use super::counted::CountedPlugins;
use super::membership::{DOUBLED, clock_obstacle};
use super::storage_look::StorageLook;
use super::{SharedRootKey, chain, system_event};
use crate::config::RootKey;

/// [`Operations`] over the store and the plugin host.
pub(crate) struct InstallationOperations {
    ledger: Arc<Ledger>,
    plugins: Arc<CountedPlugins>,
    nodes: Arc<Nodes>,
    root_key: SharedRootKey,
    storage: StorageLook,
}

impl InstallationOperations {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        plugins: Arc<CountedPlugins>,
        nodes: Arc<Nodes>,
        root_key: SharedRootKey,
    ) -> Self {
        Self { ledger, plugins, nodes, root_key, storage: StorageLook::default() }
    }

    fn vitals(&self) -> Vitals {
        let own = self.nodes.list().into_iter().find(|view| view.is_this_one);
        own.map(|view| view.beat.vitals).unwrap_or_default()
    }
}

#[async_trait]
impl Operations for InstallationOperations {
    fn engine(&self) -> Engine {
        Engine { allocator: self.plugins.engine_mode().as_str() }
    }

    fn stats(&self) -> Stats {
        let store = self.ledger.stats();
        let (live, silent): (Vec<_>, Vec<_>) =
            self.nodes.list().into_iter().partition(|view| view.state == NodeState::Live);
        Stats {
            store_commits: store.commits,
            store_batches: store.batches,
            store_conflicts: store.conflicts,
            audit_events: store.events,
            plugin_calls: self.plugins.calls(),
            plugins: self.plugins.states(),
            clock_ahead_ms: self.vitals().clock_ahead_ms,
            nodes: (live.len() as u64, silent.len() as u64),
        }
    }

    fn reading_ahead<'a>(&'a self, likeness: u64, request: BoxFuture<'a, Response>) -> BoxFuture<'a, Response> {
        let went_well = |response: &Response| response.status().is_success();
        Box::pin(self.ledger.reading_ahead(likeness, request, went_well))
    }

    async fn readiness(&self) -> Readiness {
        let storage = self.storage.look(&self.ledger).await;
        let vitals = self.vitals();
        let obstacle = |name, obstacle: Option<String>| Check { name, outcome: obstacle.map_or(Ok(None), Err) };
        let checks = vec![
            obstacle("storage", storage.err().map(str::to_owned)),
            obstacle("rootKey", self.ledger.root_key_status().obstacle()),
            obstacle("clock", clock_obstacle(vitals)),
            obstacle("node", self.nodes.is_doubled().then(|| DOUBLED.to_owned())),
        ];
        Readiness { checks, nodes: self.nodes.list() }
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

    async fn rekey(&self, force: bool) -> Result<u64, Error> {
        let root_key = self.root_key.read().unwrap_or_else(PoisonError::into_inner).clone();
        let RootKey::File(file) = root_key else {
            let cure = "only a root key in a file is the broker's to rotate: stop it and run `bursar rekey --data-dir`";
            return Err(Error::new(Kind::Unsupported, cure));
        };
        if !force {
            self.nodes.refuse_to_rotate()?;
        }
        let source = RootKeySource::File(file);
        self.ledger.rekey(&source, system_event(Action::InstallationRekey)).await.map_err(|error| {
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
