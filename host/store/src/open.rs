//! Creating and opening a store.

use std::path::PathBuf;
use std::sync::Arc;

use bursar_kernel::audit::Checkpoint;
use bursar_kernel::clock::Clock;
use bursar_kernel::store::StoreError;
use uuid::Uuid;

use crate::anchor::{self, Anchor};
use crate::chain::{Appender, Head, RowChange, hash_of};
use crate::checkpoint;
use crate::committer::{self, Counters};
use crate::engine::postgres::PostgresEngine;
use crate::engine::redb::{RedbEngine, RedbError};
use crate::engine::{Engine, EngineError, ReadOnly, Row, Write};
use crate::follow::RootFollower;
use crate::group::housekeeping;
use crate::high_water_mark::HighWaterMark;
use crate::identity::{Identity, NodeFile};
use crate::keyring::{Keyring, installation_rows};
use crate::ledger::{Core, Ledger};
use crate::read_ahead::ReadAhead;
use crate::root::{RootKey, RootKeyError, RootKeySource, RootRecord};
use crate::seal::fill_random;
use crate::tables;

/// What is needed to open a store.
#[derive(Clone)]
pub struct Config {
    /// Where the rows are.
    pub storage: Storage,
    /// The source of the root key.
    pub root_key: RootKeySource,
    /// The clock, for records that the store makes on its own.
    pub clock: Arc<dyn Clock>,
}

/// Where the rows are.
#[derive(Clone)]
pub enum Storage {
    /// One file, one process.
    Redb {
        /// The file.
        path: PathBuf,
        /// Size of the page cache, in bytes.
        cache_bytes: usize,
    },
    /// One database for any number of nodes.
    Postgres {
        /// `postgres://...`, with the password.
        url: String,
        /// Most connections at one time.
        max_connections: u32,
        /// The file with this node's id; `None` for a new id at each start.
        node_file: Option<PathBuf>,
    },
}

/// A store opened read-only.
pub struct ReadOnlyLedger {
    /// The store; it refuses every commit.
    pub ledger: Ledger,
    /// Whether this is a repaired private copy of a file that was not closed
    /// cleanly.
    pub repaired_copy: bool,
}

/// Why a store could not be created or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A running broker has it open.
    #[error("the store is in use by a running broker: stop the broker first")]
    InUse,
    /// A new store was to be created in place of an existing one.
    #[error("a store exists already")]
    AlreadyInitialised,
    /// There is no store.
    #[error("no store exists yet")]
    NotInitialised,
    /// The store was sealed with another root key.
    #[error("wrong root key: set storage.root_key to the one that this store was sealed with")]
    WrongRootKey,
    /// A later version wrote the store.
    #[error("the store was written by a newer version of Bursar (format {0}): upgrade this one")]
    NewerFormat(u32),
    /// The root key could not be loaded.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The node's id cannot be read or saved.
    #[error("the file with this node's id cannot be read or written")]
    NodeFile(#[source] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A row that the store needs to open was altered.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system failed.
    #[error("the store cannot be opened")]
    Io(#[from] std::io::Error),
}

impl From<RedbError> for OpenError {
    fn from(error: RedbError) -> Self {
        match error {
            RedbError::Exists => Self::AlreadyInitialised,
            RedbError::Missing => Self::NotInitialised,
            RedbError::InUse => Self::InUse,
            RedbError::Io(error) => Self::Io(error),
            RedbError::Engine(error) => Self::Engine(error),
        }
    }
}

impl Ledger {
    /// Creates a new store, and its root key if the source is a file that does not
    /// exist.
    ///
    /// # Errors
    ///
    /// [`OpenError::AlreadyInitialised`] if there is a store already.
    pub async fn create(config: &Config) -> Result<Self, OpenError> {
        let engine = connect(&config.storage, Mode::Create).await?;
        let identity = match config.storage.identity()? {
            // The file is left over from another installation.
            Identity::Known(_, file) => Identity::New(random_id(), Some(file)),
            identity => identity,
        };
        Self::create_as(engine, identity, &config.root_key, Arc::clone(&config.clock)).await
    }

    /// Opens a store for reading and writing.
    ///
    /// # Errors
    ///
    /// The operator can cure [`OpenError::NotInitialised`], [`OpenError::InUse`] and
    /// [`OpenError::WrongRootKey`].
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let engine = connect(&config.storage, Mode::Open).await?;
        Self::open_as(engine, config.storage.identity()?, &config.root_key, Arc::clone(&config.clock)).await
    }

    /// Opens a stopped broker's store read-only, without changing a byte of it: to
    /// verify it or back it up.
    ///
    /// # Errors
    ///
    /// As for [`Ledger::open`].
    pub async fn open_read_only(config: &Config) -> Result<ReadOnlyLedger, OpenError> {
        let (engine, repaired_copy): (Arc<dyn Engine>, bool) = match &config.storage {
            Storage::Redb { path, cache_bytes } => {
                let engine = RedbEngine::open_read_only(path, *cache_bytes)?;
                let repaired_copy = engine.is_private_copy();
                (Arc::new(engine), repaired_copy)
            }
            storage @ Storage::Postgres { .. } => (connect(storage, Mode::Open).await?, false),
        };
        let ledger = Self::inspect(ReadOnly::owning(engine), &config.root_key, Arc::clone(&config.clock)).await?;
        Ok(ReadOnlyLedger { ledger, repaired_copy })
    }

    /// Opens the store on `engine` read-only.
    pub(crate) async fn inspect(
        engine: ReadOnly,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (_, keyring) = open_keyring(&engine, root_key).await?;
        let node = stored_node(&engine).await?.unwrap_or_else(random_id);
        let core = core(Arc::new(engine), keyring, root_key, empty_chain(node), clock);
        Ok(Self::start(Core { is_read_only: true, ..core })?)
    }

    /// As [`Ledger::create`], on an open engine; `node` is the node's id if the store
    /// is not to keep it.
    ///
    /// # Errors
    ///
    /// As for [`Ledger::create`].
    pub async fn create_on(
        engine: Arc<dyn Engine>,
        node: Option<Uuid>,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let identity = node.map_or(Identity::InStore, Identity::Given);
        Self::create_as(engine, identity, root_key, clock).await
    }

    async fn create_as(
        engine: Arc<dyn Engine>,
        identity: Identity,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (root, record) = blocking_root(root_key, |source| RootKey::create(&source)).await?;
        let (node, file) = match identity {
            Identity::InStore => (None, None),
            Identity::Given(node) | Identity::Known(node, _) => (Some(node), None),
            Identity::New(node, file) => (Some(node), file),
        };
        if let (Some(node), Some(file)) = (node, &file) {
            file.stage(node).map_err(OpenError::NodeFile)?;
        }
        let (keyring, head) = initialise(&*engine, node, &root, &record, &*clock).await?;
        if let Some(file) = &file {
            file.commit().map_err(OpenError::NodeFile)?;
        }
        let core = core(engine, keyring, root_key, Anchor::from(&head), clock);
        Ok(Self::start(Core { node_file: file, ..core })?)
    }

    /// As [`Ledger::open`], on an open engine; `node` is the node's id if the store
    /// does not keep it, and begins its chain if it is new.
    ///
    /// # Errors
    ///
    /// As for [`Ledger::open`].
    pub async fn open_on(
        engine: Arc<dyn Engine>,
        node: Option<Uuid>,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::open_as(engine, node.map_or(Identity::InStore, Identity::Given), root_key, clock).await
    }

    async fn open_as(
        engine: Arc<dyn Engine>,
        identity: Identity,
        root_key: &RootKeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let (root, keyring) = open_keyring(&*engine, root_key).await?;
        root.finish()?;
        let (seen, node_file) = resume_chain(&*engine, &keyring, identity, &*clock).await?;
        let core = core(engine, keyring, root_key, seen, clock);
        Ok(Self::start(Core { node_file, ..core })?)
    }

    /// Creates a store whose values are *not* sealed, with throwaway keys, to test the
    /// engine's part of the contract. Never for data.
    ///
    /// # Errors
    ///
    /// As for [`Ledger::create`].
    #[doc(hidden)]
    pub async fn danger_unsealed(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let root = RootKey::throwaway();
        let (keyring, head) = initialise(&*engine, None, &root.0, &root.1, &*clock).await?;
        let nowhere = RootKeySource::Environment(String::new());
        let core = core(engine, keyring, &nowhere, Anchor::from(&head), clock);
        Ok(Self::start(Core { sealed: false, ..core })?)
    }
}

impl Storage {
    /// Which node this is, as far as known without the store.
    fn identity(&self) -> Result<Identity, OpenError> {
        Ok(match self {
            Self::Redb { .. } => Identity::InStore,
            Self::Postgres { node_file: None, .. } => Identity::New(random_id(), None),
            Self::Postgres { node_file: Some(path), .. } => {
                let file = NodeFile::new(path);
                match file.read().map_err(OpenError::NodeFile)? {
                    Some(node) => Identity::Known(node, file),
                    None => Identity::New(random_id(), Some(file)),
                }
            }
        })
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    Create,
    Open,
}

pub(crate) async fn connect(storage: &Storage, mode: Mode) -> Result<Arc<dyn Engine>, OpenError> {
    Ok(match storage {
        Storage::Redb { path, cache_bytes } => Arc::new(match mode {
            Mode::Create if !path.exists() => RedbEngine::create(path, *cache_bytes)?,
            // An interrupted creation leaves a file without a store.
            Mode::Create | Mode::Open => RedbEngine::open(path, *cache_bytes)?,
        }),
        Storage::Postgres { url, max_connections, .. } => {
            Arc::new(PostgresEngine::connect(url, *max_connections).await?)
        }
    })
}

/// The first commit: the root record, the wrapped keys, the node's id, and the audit
/// record of these.
async fn initialise(
    engine: &dyn Engine,
    node: Option<Uuid>,
    root: &RootKey,
    record: &RootRecord,
    clock: &dyn Clock,
) -> Result<(Keyring, Head), OpenError> {
    let mut tx = engine.begin().await?;
    tx.lock(&[tables::root()]).await?;
    if !tx.scan(&[], &[], 1).await?.is_empty() {
        return Err(OpenError::AlreadyInitialised);
    }
    let revision = one(tx.revisions(1).await?)?;
    let (keyring, mut writes) = Keyring::create(root, revision);
    let record = serde_json::to_vec(&record).map_err(EngineError::new)?;
    writes.push(Write { key: tables::root(), content: Some((revision, record)) });
    let id = node.unwrap_or_else(random_id);
    if node.is_none() {
        writes.push(Write { key: tables::node(), content: Some((revision, id.as_bytes().to_vec())) });
    }
    let mut chain = Appender::new(&keyring, Head::new(id), clock.now());
    chain.append(revision, &housekeeping(clock.now()), writes.iter().map(RowChange::of).collect());
    let (rows, head) = chain.finish();
    writes.extend(rows);
    tx.apply(writes).await?;
    tx.commit().await?;
    Ok((keyring, head))
}

/// The newest known record of this node's chain, and the file with the node's id. A
/// new node begins its chain.
async fn resume_chain(
    engine: &dyn Engine,
    keyring: &Keyring,
    identity: Identity,
    clock: &dyn Clock,
) -> Result<(Anchor, Option<NodeFile>), OpenError> {
    match identity {
        Identity::InStore => {
            if let Some(node) = stored_node(engine).await? {
                return Ok((last_known_anchor(engine, keyring, node, None).await?, None));
            }
            // A store restored from another engine has no node of its own yet.
            let node = random_id();
            let row = (tables::node(), node.as_bytes().to_vec());
            Ok((begin_chain_retrying(engine, keyring, node, &[row], clock).await?, None))
        }
        Identity::Known(node, file) => {
            Ok((last_known_anchor(engine, keyring, node, file.checkpoint()).await?, Some(file)))
        }
        Identity::New(node, file) => {
            if let Some(file) = &file {
                file.stage(node).map_err(OpenError::NodeFile)?;
            }
            let began = begin_chain_retrying(engine, keyring, node, &[], clock).await?;
            if let Some(file) = &file {
                file.commit().map_err(OpenError::NodeFile)?;
            }
            Ok((began, file))
        }
        Identity::Given(node) => {
            let is_there = engine.get_many(&[tables::head(node)]).await?.into_iter().flatten().next().is_some();
            let seen = last_known_anchor(engine, keyring, node, None).await?;
            if is_there || seen.seq > 0 {
                Ok((seen, None))
            } else {
                Ok((begin_chain_retrying(engine, keyring, node, &[], clock).await?, None))
            }
        }
    }
}

/// The newest record of `node`'s chain according to the other chains and the
/// checkpoint on this machine. The first commit checks it against the chain, so that
/// a store with a damaged chain can still be opened, read and verified.
async fn last_known_anchor(
    engine: &dyn Engine,
    keyring: &Keyring,
    node: Uuid,
    saved: Option<Checkpoint>,
) -> Result<Anchor, OpenError> {
    let saved = saved.filter(|saved| saved.node == node.to_string() && checkpoint::is_ours(keyring, saved));
    let saved = saved.and_then(|saved| Some(Anchor { node, seq: saved.seq, hash: hash_of(&saved.hash)? }));
    let vouched = anchor::furthest_anchor(engine, keyring, node).await?;
    Ok(saved.into_iter().chain(vouched).max_by_key(|anchor| anchor.seq).unwrap_or_else(|| empty_chain(node)))
}

async fn begin_chain_retrying(
    engine: &dyn Engine,
    keyring: &Keyring,
    node: Uuid,
    rows: &[(Vec<u8>, Vec<u8>)],
    clock: &dyn Clock,
) -> Result<Anchor, OpenError> {
    let mut tries = 0;
    loop {
        match anchor::begin_chain(engine, keyring, node, rows, clock.now()).await {
            Err(error) if error.retryable && tries < committer::MAX_TRIES => {
                tries += 1;
                tokio::time::sleep(committer::backoff(tries)).await;
            }
            began => return Ok(Anchor::from(&began?)),
        }
    }
}

/// A chain of which nothing is known.
fn empty_chain(node: Uuid) -> Anchor {
    Anchor::from(&Head::new(node))
}

/// The current root key and the keyring it wraps, both as of one moment, since
/// another node may be rotating the key.
async fn open_keyring(engine: &dyn Engine, source: &RootKeySource) -> Result<(RootKey, Keyring), OpenError> {
    let mut wanted = installation_rows();
    wanted.push(tables::root());
    loop {
        let (root, record_row) = find_root(engine, source).await?;
        let mut rows = engine.get_many(&wanted).await?;
        let now = rows.pop().flatten().map(|row| row.revision);
        if now == Some(record_row.revision) {
            let keyring = Keyring::open(&root, record_row.revision, &rows)?;
            return Ok((root, keyring));
        }
    }
}

async fn find_root(engine: &dyn Engine, source: &RootKeySource) -> Result<(RootKey, Row), OpenError> {
    let (record, row) = root_record(engine).await?.ok_or(OpenError::NotInitialised)?;
    if !record.is_known_format() {
        return Err(OpenError::NewerFormat(record.format));
    }
    let root = blocking_root(source, move |source| RootKey::find(&source, &record)).await?;
    Ok((root.ok_or(OpenError::WrongRootKey)?, row))
}

/// The record that describes the root key, and its row.
pub(crate) async fn root_record(engine: &dyn Engine) -> Result<Option<(RootRecord, Row)>, StoreError> {
    let Some(row) = engine.get_many(&[tables::root()]).await?.pop().flatten() else { return Ok(None) };
    let record = serde_json::from_slice(&row.value).map_err(|_| crate::keyring::unsealable(&row.key))?;
    Ok(Some((record, row)))
}

/// Runs `work` on a blocking thread: it reads files or computes Argon2.
async fn blocking_root<T: Send + 'static>(
    source: &RootKeySource,
    work: impl FnOnce(RootKeySource) -> Result<T, RootKeyError> + Send + 'static,
) -> Result<T, OpenError> {
    let source = source.clone();
    let done = tokio::task::spawn_blocking(move || work(source)).await.map_err(EngineError::new)?;
    Ok(done?)
}

async fn stored_node(engine: &dyn Engine) -> Result<Option<Uuid>, OpenError> {
    let row = engine.get_many(&[tables::node()]).await?.pop().flatten();
    let altered = || crate::keyring::unsealable(&tables::node());
    Ok(row.map(|row| Uuid::from_slice(&row.value).map_err(|_| altered())).transpose()?)
}

fn core(
    engine: Arc<dyn Engine>,
    keyring: Keyring,
    root_key: &RootKeySource,
    seen: Anchor,
    clock: Arc<dyn Clock>,
) -> Core {
    Core {
        reads: ReadAhead::new(Arc::clone(&engine)),
        engine,
        keyring,
        root: RootFollower::new(root_key.clone()),
        node: seen.node,
        clock,
        counters: Counters::default(),
        high_water_mark: HighWaterMark::new(seen),
        node_file: None,
        is_read_only: false,
        sealed: true,
    }
}

fn random_id() -> Uuid {
    let mut bytes = [0; 16];
    fill_random(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn one(revisions: Vec<u64>) -> Result<u64, EngineError> {
    revisions.into_iter().next().ok_or_else(|| EngineError::new("the engine returned no revision"))
}
