//! The domain's storage ports over an engine, a keyring and the committer.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bursar_kernel::audit::Event;
use bursar_kernel::clock::Clock;
use bursar_kernel::keys::{FIRST_STORE_TABLE, SealScope, scope};
use bursar_kernel::store::{Batch, BlindIndex, Record, Revision, Store, StoreError};
use jiff::SignedDuration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::checkpoint;
use crate::committer::{self, Command, Counters, Stats};
use crate::engine::{Engine, Row};
use crate::follow::RootFollower;
use crate::high_water_mark::HighWaterMark;
use crate::identity::NodeFile;
use crate::keyring::{Keyring, key_of, unsealable};
use crate::open::root_record;
use crate::read_ahead::ReadAhead;
use crate::root::{RootKey, RootKeyError, RootKeySource};
use crate::seal::{cipher, open};
use crate::tables;

/// An open store. Dropping it stops the committer; [`Ledger::close`] waits for that, so
/// that the next start has nothing to repair.
pub struct Ledger {
    pub(crate) core: Arc<Core>,
    committer: mpsc::Sender<Command>,
}

/// State shared by reading, writing and verifying.
pub(crate) struct Core {
    pub(crate) engine: Arc<dyn Engine>,
    /// The same engine, for reads of requests.
    pub(crate) reads: ReadAhead,
    pub(crate) keyring: Keyring,
    /// The source of the root key, and whether it has the current one.
    pub(crate) root: RootFollower,
    pub(crate) node: Uuid,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
    /// The newest known record of each chain.
    pub(crate) high_water_mark: HighWaterMark,
    /// The file with the node's id and newest checkpoint, if the store does not hold
    /// the id.
    pub(crate) node_file: Option<NodeFile>,
    /// Whether the store was opened read-only.
    pub(crate) is_read_only: bool,
    /// False only to run the contract tests over a bare engine.
    pub(crate) sealed: bool,
}

impl Ledger {
    /// What the committer has done since the store was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.counters.read()
    }

    /// This node's id in the audit chain.
    #[must_use]
    pub fn node(&self) -> Uuid {
        self.core.node
    }

    /// Derives the installation's key for `context`; a rotation of the root key does not
    /// change it.
    #[must_use]
    pub fn derive_key(&self, context: &str) -> Zeroizing<[u8; 32]> {
        self.core.keyring.derive(context)
    }

    /// Rotates the root key: rewraps every key in one commit, recorded as `event`. If
    /// `new` is the current key's file, the file is replaced; a source that is no longer
    /// used is left for the caller to delete. Returns the number of rewrapped keys.
    ///
    /// # Errors
    ///
    /// [`RekeyError::RootKey`] if there is no new key; nothing has changed then.
    /// [`RekeyError::Store`] leaves a staged key file; opening the store again finds the
    /// current key and cleans up.
    pub async fn rekey(&self, new: &RootKeySource, event: Event) -> Result<u64, RekeyError> {
        self.core.follow_root().await?;
        let (present, _) = root_record(&*self.core.engine).await?.ok_or_else(|| unsealable(&tables::root()))?;
        let source = new.clone();
        let staged = tokio::task::spawn_blocking(move || RootKey::stage(&source, &present));
        let (root, record) = staged.await.map_err(|_| stopped())??;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Rekey(Box::new((root, record, event)), reply)).await?;
        Ok(answer.await.map_err(|_| stopped())??)
    }

    /// Records in this node's chain the heads of the other nodes' chains, and saves this
    /// node's newest checkpoint beside its id. To be called at start and every few
    /// minutes. Returns a sentence for each other chain that has lost records.
    ///
    /// # Errors
    ///
    /// If nothing can be committed, for example because this node's own chain is broken.
    pub async fn anchor(&self) -> Result<Vec<String>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Anchor(reply)).await?;
        let broken = answer.await.map_err(|_| stopped())??;
        self.core.try_save_checkpoint().await;
        Ok(broken)
    }

    /// Runs a request that only reads. The reads of the last request of the same `kind`
    /// are repeated first, in one statement; if the request `went_well`, its own reads
    /// are the ones to repeat next. Has no effect on an engine without round trips.
    pub async fn reading_ahead<T>(
        &self,
        kind: u64,
        request: impl Future<Output = T>,
        went_well: impl FnOnce(&T) -> bool,
    ) -> T {
        self.core.reads.run(kind, request, went_well).await
    }

    /// How far this node's clock is ahead of the database's, corrected for the time of
    /// the round trip; `None` if the database has no clock of its own.
    ///
    /// # Errors
    ///
    /// If the database failed.
    pub async fn clock_ahead(&self) -> Result<Option<SignedDuration>, StoreError> {
        let (asked_at, since) = (self.core.clock.now(), Instant::now());
        let Some(theirs) = self.core.engine.time().await? else { return Ok(None) };
        // The database answered at some moment in between: take the one with the least offset.
        let took = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        let ahead = asked_at.duration_since(theirs);
        Ok(Some(if ahead.is_negative() { ahead.saturating_add(took).min(SignedDuration::ZERO) } else { ahead }))
    }

    /// Why the database has lately been unavailable; for operators.
    #[must_use]
    pub fn outage(&self) -> Option<String> {
        self.core.engine.outage()
    }

    /// Commits the waiting batches, stops the committer and closes the engine. Every
    /// later call fails.
    pub async fn close(&self) {
        self.core.try_save_checkpoint().await;
        let (reply, answer) = oneshot::channel();
        if self.send(Command::Close(reply)).await.is_ok() {
            // An error means that the committer has already stopped.
            let _ = answer.await;
        }
    }

    /// Starts the committer in a thread of its own, where redb may block; its
    /// asynchronous work runs on the caller's runtime.
    pub(crate) fn start(core: Core) -> Result<Self, std::io::Error> {
        let core = Arc::new(core);
        let (committer, commands) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Handle::current();
        let run = committer::run(Arc::clone(&core), commands);
        std::thread::Builder::new().name("bursar-committer".to_owned()).spawn(move || runtime.block_on(run))?;
        Ok(Self { core, committer })
    }

    pub(crate) async fn send(&self, command: Command) -> Result<(), StoreError> {
        self.committer.send(command).await.map_err(|_| stopped())
    }
}

/// Why the root key was not rotated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RekeyError {
    /// The new key could not be loaded or created.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The rotation could not be committed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[async_trait]
impl Store for Ledger {
    async fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        if scope(key).is_none() {
            return Ok(None);
        }
        self.core.get(key).await
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Record>, StoreError> {
        let rows = self.core.reads.scan(prefix, after, limit).await?;
        let mut records = Vec::with_capacity(rows.len());
        for row in rows.into_iter().take_while(|row| row.key.first().is_some_and(|table| *table < FIRST_STORE_TABLE)) {
            match self.core.open(&row).await {
                Ok(value) => records.push(Record { key: row.key, revision: row.revision, value }),
                // A key that opens it may have changed since: read both at once.
                Err(StoreError::Unsealable { .. }) => records.extend(self.core.get(&row.key).await?),
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Commit(batch, reply)).await?;
        answer.await.map_err(|_| stopped())?
    }
}

impl BlindIndex for Ledger {
    fn digest(&self, context: &str, text: &[u8]) -> [u8; 32] {
        self.core.keyring.digest(context, text)
    }
}

impl Core {
    /// Saves the newest checkpoint beside the node's id, on this machine: it exposes a
    /// database that loses, or is made to lose, records.
    pub(crate) async fn save_checkpoint(&self) -> std::io::Result<()> {
        let seen = self.high_water_mark.get();
        let Some(file) = self.node_file.clone().filter(|_| seen.seq > 0) else { return Ok(()) };
        let checkpoint = checkpoint::sign(&self.keyring, &seen, self.clock.now());
        let saved = tokio::task::spawn_blocking(move || file.save_checkpoint(&checkpoint)).await;
        saved.map_err(std::io::Error::other).flatten()
    }

    /// As [`Self::save_checkpoint`], but only logs a failure.
    async fn try_save_checkpoint(&self) {
        if let Err(error) = self.save_checkpoint().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "this node's checkpoint could not be saved");
        }
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let mut wanted = vec![key.to_vec()];
        wanted.extend(tables::companions(key).into_iter().filter(|_| self.sealed));
        let mut found = self.reads.get_many(&wanted).await?;
        let Some(row) = found[0].take() else { return Ok(None) };
        let companions: Vec<Row> = found.into_iter().flatten().collect();
        let value = self.open_with(&row, &companions).await?;
        Ok(Some(Record { key: row.key, revision: row.revision, value }))
    }

    /// Opens a row with the cached account key and the current data key.
    async fn open(&self, row: &Row) -> Result<Vec<u8>, StoreError> {
        let companions = match scope(&row.key) {
            Some(SealScope::OwnKey(_)) if self.sealed => self.reads.get_many(&tables::companions(&row.key)).await?,
            _ => Vec::new(),
        };
        let companions: Vec<Row> = companions.into_iter().flatten().collect();
        self.open_with(row, &companions).await
    }

    async fn open_with(&self, row: &Row, companions: &[Row]) -> Result<Vec<u8>, StoreError> {
        let altered = || unsealable(&row.key);
        let Row { key, revision, value } = row;
        if !self.sealed {
            return Ok(value.clone());
        }
        let mut opened = match scope(key).ok_or_else(altered)? {
            SealScope::Installation => self.keyring.system.open(*revision, key, *revision, value),
            SealScope::Account(account) => {
                self.account(account, companions).await?.scope.open(*revision, key, *revision, value)
            }
            SealScope::OwnKey(account) => {
                let account = self.account(account, companions).await?;
                let row = tables::data_key(key);
                let row = companions.iter().find(|companion| companion.key == row).ok_or_else(altered)?;
                let data_key = account.scope.open(row.revision, &row.key, row.revision, &row.value);
                let data_key = data_key.and_then(|bytes| key_of(&bytes)).ok_or_else(altered)?;
                open(&cipher(&data_key), key, *revision, value)
            }
        }
        .ok_or_else(altered)?;
        Ok(std::mem::take(&mut *opened))
    }

    /// The account's key, from its row if that is among `companions`.
    async fn account(&self, account: Uuid, companions: &[Row]) -> Result<Arc<crate::keyring::AccountKey>, StoreError> {
        let row_key = tables::account_key(account);
        let Some(row) = companions.iter().find(|companion| companion.key == row_key) else {
            return self.last_seen(account).ok_or_else(|| unsealable(&row_key));
        };
        if let Some(key) = self.keyring.cached(account, row.revision) {
            return Ok(key);
        }
        let key = self.unwrap_account(account, row).await?;
        self.keyring.remember(account, Some(Arc::clone(&key)));
        Ok(key)
    }
}

pub(crate) fn stopped() -> StoreError {
    StoreError::Unavailable("the store was closed".into())
}

/// Commands that may queue before a caller has to wait.
const QUEUE: usize = 1024;
