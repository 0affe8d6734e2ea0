//! The embedded engine: one file, one process, one writer.
//!
//! Reads run on the calling thread: they touch a few cached pages, and handing them to
//! another thread would cost more. Writes come from the committer's own thread, which
//! may block.

use std::cell::Cell;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use bursar_kernel::store::Revision;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableError, WriteTransaction,
};

use super::{Engine, EngineError, Row, Snapshot, Transaction, Write, prefix_end};

/// One redb file.
pub struct RedbEngine {
    shared: Arc<Shared>,
    /// The folder of the repaired private copy, until the engine is closed.
    private_copy: Mutex<Option<tempfile::TempDir>>,
}

/// Reopens the database after an I/O error, which makes redb refuse the old handle.
pub type Opener = dyn Fn() -> Result<Database, DatabaseError> + Send + Sync;

impl RedbEngine {
    /// Creates a new file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`RedbError::Exists`] if the file exists.
    pub fn create(path: &Path, cache_bytes: usize) -> Result<Self, RedbError> {
        if path.exists() {
            return Err(RedbError::Exists);
        }
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(path)?);
        let path = path.to_owned();
        Self::with_opener(Box::new(move || Builder::new().set_cache_size(cache_bytes).create(&path)))
    }

    /// Opens a file for reading and writing, repairing it after an unclean stop.
    ///
    /// # Errors
    ///
    /// [`RedbError::Missing`], [`RedbError::InUse`], or an error of redb.
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self, RedbError> {
        if !path.exists() {
            return Err(RedbError::Missing);
        }
        let path = path.to_owned();
        Self::with_opener(Box::new(move || Builder::new().set_cache_size(cache_bytes).open(&path)))
    }

    /// Opens the database that `reopen` opens, and reopens it after an I/O error.
    ///
    /// # Errors
    ///
    /// The error of redb.
    pub fn with_opener(reopen: Box<Opener>) -> Result<Self, RedbError> {
        let database = catch_damage(|| Ok(reopen()))??;
        let tables = || {
            let tx = database.begin_write().map_err(failed)?;
            tx.open_table(RECORDS).map_err(failed)?;
            tx.open_table(REVISION).map_err(failed)?;
            tx.commit().map_err(failed)
        };
        catch_damage(|| if has_tables(&database)? { Ok(()) } else { tables() })?;
        let shared = Arc::new(Shared { handle: RwLock::new(Handle::Writable(database)), reopen });
        Ok(Self { shared, private_copy: Mutex::default() })
    }

    /// Opens a stopped broker's file read-only, without changing a byte of it. A file
    /// that was not closed cleanly cannot be read as it is: a private copy is repaired
    /// and read instead, see [`Self::is_private_copy`].
    ///
    /// # Errors
    ///
    /// [`RedbError::InUse`] if a broker has it open.
    pub fn open_read_only(path: &Path, cache_bytes: usize) -> Result<Self, RedbError> {
        if !path.exists() {
            return Err(RedbError::Missing);
        }
        match catch_damage(|| Ok(Builder::new().set_cache_size(cache_bytes).open_read_only(path)))? {
            Ok(database) => {
                let handle = RwLock::new(Handle::ReadOnly(database));
                let reopen: Box<Opener> = Box::new(|| Err(DatabaseError::RepairAborted));
                Ok(Self { shared: Arc::new(Shared { handle, reopen }), private_copy: Mutex::default() })
            }
            Err(DatabaseError::RepairAborted) => {
                let folder = tempfile::Builder::new().prefix("bursar-repair-").tempdir()?;
                let copy: PathBuf = folder.path().join("bursar.redb");
                std::fs::copy(path, &copy)?;
                Ok(Self { private_copy: Mutex::new(Some(folder)), ..Self::open(&copy, cache_bytes)? })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this reads a repaired copy rather than the file itself.
    #[must_use]
    pub fn is_private_copy(&self) -> bool {
        self.private_copy.lock().is_ok_and(|folder| folder.is_some())
    }

    fn read<T>(&self, work: impl Fn(&ReadTransaction) -> Result<T, EngineError>) -> Result<T, EngineError> {
        self.shared.with_reopen(|handle| work(&handle.begin_read()?))
    }
}

#[async_trait]
impl Engine for RedbEngine {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        self.read(|tx| {
            let table = tx.open_table(RECORDS).map_err(failed)?;
            keys.iter().map(|key| get_row(&table, key)).collect()
        })
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        self.read(|tx| scan_rows(&tx.open_table(RECORDS).map_err(failed)?, prefix, after, limit))
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        let tx = self.shared.with_reopen(Handle::begin_write)?;
        Ok(Box::new(RedbTransaction { tx, shared: Arc::clone(&self.shared) }))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        Ok(Box::new(RedbSnapshot(self.shared.with_reopen(Handle::begin_read)?)))
    }

    async fn close(&self) {
        if let Ok(mut handle) = self.shared.handle.write() {
            *handle = Handle::Closed;
        }
        // The process may end before the last reference to the engine is dropped.
        drop(self.private_copy.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

struct Shared {
    handle: RwLock<Handle>,
    reopen: Box<Opener>,
}

enum Handle {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
    /// Reopening after an I/O error failed; the next use tries again.
    Lost,
    Closed,
}

impl Handle {
    fn begin_read(&self) -> Result<ReadTransaction, EngineError> {
        match self {
            Self::Writable(database) => database.begin_read().map_err(failed),
            Self::ReadOnly(database) => database.begin_read().map_err(failed),
            Self::Lost | Self::Closed => Err(EngineError::new("the database file is not open")),
        }
    }

    fn begin_write(&self) -> Result<WriteTransaction, EngineError> {
        match self {
            Self::Writable(database) => database.begin_write().map_err(failed),
            Self::ReadOnly(_) => Err(EngineError::new("the database file is open read-only")),
            Self::Lost | Self::Closed => Err(EngineError::new("the database file is not open")),
        }
    }
}

impl Shared {
    /// Runs `work`; if it fails, reopens the file and runs it once more.
    fn with_reopen<T>(&self, work: impl Fn(&Handle) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let attempt = || {
            let handle = self.handle.read().map_err(|_| poisoned())?;
            catch_damage(|| work(&handle))
        };
        match attempt() {
            Ok(done) => Ok(done),
            Err(error) if self.reopen()? => attempt().or(Err(error)),
            Err(error) => Err(error),
        }
    }

    /// After an I/O error, such as a full disk, redb refuses all further work on a
    /// handle; a new one starts from the last durable commit. Returns whether there is a
    /// new one.
    fn reopen(&self) -> Result<bool, EngineError> {
        let mut handle = self.handle.write().map_err(|_| poisoned())?;
        if matches!(*handle, Handle::ReadOnly(_) | Handle::Closed) {
            return Ok(false);
        }
        // The old handle holds the file's lock and must be dropped first.
        *handle = Handle::Lost;
        *handle = Handle::Writable(catch_damage(|| (self.reopen)().map_err(failed))?);
        Ok(true)
    }
}

struct RedbTransaction {
    tx: WriteTransaction,
    shared: Arc<Shared>,
}

#[async_trait]
impl Transaction for RedbTransaction {
    /// redb has a single writer: beginning a transaction is the lock.
    async fn lock(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        catch_damage(|| {
            let table = self.tx.open_table(RECORDS).map_err(failed)?;
            keys.iter().map(|key| Ok(table.get(key.as_slice()).map_err(failed)?.map(|guard| guard.value().0))).collect()
        })
    }

    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        catch_damage(|| get_row(&self.tx.open_table(RECORDS).map_err(failed)?, key))
    }

    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        catch_damage(|| scan_rows(&self.tx.open_table(RECORDS).map_err(failed)?, prefix, after, limit))
    }

    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError> {
        let mut table = self.tx.open_table(REVISION).map_err(failed)?;
        let last = table.get(()).map_err(failed)?.map_or(0, |guard| guard.value());
        let taken = u64::try_from(count).map_err(failed)?;
        table.insert((), last + taken).map_err(failed)?;
        Ok((last + 1..=last + taken).collect())
    }

    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError> {
        let mut table = self.tx.open_table(REVISION).map_err(failed)?;
        let last = table.get(()).map_err(failed)?.map_or(0, |guard| guard.value());
        table.insert((), last.max(revision)).map_err(failed)?;
        Ok(())
    }

    async fn apply(&mut self, writes: Vec<Write>) -> Result<(), EngineError> {
        catch_damage(|| {
            let mut table = self.tx.open_table(RECORDS).map_err(failed)?;
            for Write { key, content } in &writes {
                match content {
                    Some((revision, value)) => {
                        table.insert(key.as_slice(), (*revision, value.as_slice())).map_err(failed)?;
                    }
                    None => {
                        table.remove(key.as_slice()).map_err(failed)?;
                    }
                }
            }
            Ok(())
        })
    }

    async fn commit(self: Box<Self>) -> Result<(), EngineError> {
        let Self { tx, shared } = *self;
        catch_damage(|| tx.commit().map_err(failed)).inspect_err(|_| {
            if let Err(error) = shared.reopen() {
                tracing::error!(
                    error = &*error.source,
                    "the database file could not be reopened; the next use tries again"
                );
            }
        })
    }
}

struct RedbSnapshot(ReadTransaction);

#[async_trait]
impl Snapshot for RedbSnapshot {
    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        catch_damage(|| scan_rows(&self.0.open_table(RECORDS).map_err(failed)?, prefix, after, limit))
    }
}

type Records = (u64, &'static [u8]);

fn get_row(table: &impl ReadableTable<&'static [u8], Records>, key: &[u8]) -> Result<Option<Row>, EngineError> {
    let found = table.get(key).map_err(failed)?;
    Ok(found.map(|guard| row(key, guard.value())))
}

fn scan_rows(
    table: &impl ReadableTable<&'static [u8], Records>,
    prefix: &[u8],
    after: &[u8],
    limit: usize,
) -> Result<Vec<Row>, EngineError> {
    let end = prefix_end(prefix);
    if end.as_deref().is_some_and(|end| after >= end) {
        return Ok(Vec::new());
    }
    let start = if after < prefix || after.is_empty() { Included(prefix) } else { Excluded(after) };
    let end = end.as_deref().map_or(Unbounded, Excluded);
    table
        .range::<&[u8]>((start, end))
        .map_err(failed)?
        .take(limit)
        .map(|entry| {
            let (key, guard) = entry.map_err(failed)?;
            Ok(row(key.value(), guard.value()))
        })
        .collect()
}

fn row(key: &[u8], (revision, value): (u64, &[u8])) -> Row {
    Row { key: key.to_vec(), revision, value: value.to_vec() }
}

fn has_tables(database: &Database) -> Result<bool, EngineError> {
    match database.begin_read().map_err(failed)?.open_table(REVISION) {
        Ok(_) => Ok(true),
        Err(TableError::TableDoesNotExist(_)) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// redb panics on some damaged pages. That is a fault of the file, not a defect, and is
/// returned as an error like any other.
fn catch_damage<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    let before = CATCHES_PANICS.replace(true);
    // State that the panic left inconsistent is not used again: the transaction is
    // dropped, and the handle reopened.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CATCHES_PANICS.set(before);
    done.unwrap_or_else(|_| {
        Err(EngineError::new("the database file is damaged: restore a backup into a new folder (bursar restore)"))
    })
}

/// Whether a panic on this thread would now be caught as damage of the file: for a hook
/// that reports panics.
#[must_use]
pub fn catches_panics() -> bool {
    CATCHES_PANICS.get()
}

thread_local! {
    static CATCHES_PANICS: Cell<bool> = const { Cell::new(false) };
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::new(error)
}

fn poisoned() -> EngineError {
    EngineError::new("a thread panicked while it held the database handle")
}

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedbError {
    /// A new file was to be created in place of an existing one.
    #[error("the database file exists already")]
    Exists,
    /// The file does not exist.
    #[error("there is no database file")]
    Missing,
    /// Another process has it open.
    #[error("the database file is in use by a running broker")]
    InUse,
    /// The operating system refused.
    #[error("the database file cannot be read or written")]
    Io(#[from] std::io::Error),
    /// redb failed otherwise.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<DatabaseError> for RedbError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::InUse,
            error => Self::Engine(failed(error)),
        }
    }
}

const RECORDS: TableDefinition<&[u8], Records> = TableDefinition::new("record");
const REVISION: TableDefinition<(), u64> = TableDefinition::new("revision");
