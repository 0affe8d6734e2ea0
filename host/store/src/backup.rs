//! Backup: every row as it is on disk, sealed, in one age file. The root key is never
//! part of it: a restore needs the file, its passphrase or identity, *and* the root
//! key.
//!
//! Inside the age encryption: a line of JSON ([`Header`]), then the rows, as
//! [`crate::rows`] writes them.

use std::io::{BufReader, Read, Write};
use std::sync::Arc;

use age::secrecy::SecretString;
use bursar_kernel::audit::{Report, Trail};
use bursar_kernel::store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::chain::{Head, hash_text};
use crate::engine::{Engine, EngineError, ReadOnly, Row, Write as RowWrite};
use crate::identity::NodeFile;
use crate::ledger::Ledger;
use crate::open::{Config, Mode, OpenError, Storage, connect};
use crate::rows::{self, Rows, RowsError, Sink};
use crate::tables;

/// How a backup is encrypted.
#[derive(Clone)]
pub enum Protection {
    /// An age recipient, `age1...` (X25519).
    Recipient(String),
    /// A passphrase (scrypt).
    Passphrase(SecretString),
}

/// How a backup is decrypted.
#[derive(Clone)]
pub enum Unlock {
    /// An age identity, `AGE-SECRET-KEY-1...`.
    Identity(SecretString),
    /// The passphrase.
    Passphrase(SecretString),
}

/// The header of a decrypted backup.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Format of this file: 1.
    pub format: u32,
    /// The node that wrote it.
    pub node: Uuid,
    /// When it was written.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub at: Timestamp,
    /// Sequence number of that node's newest audit record.
    pub seq: u64,
    /// Hash of that record, `sha256:<hex>`.
    pub hash: String,
}

/// What was written or restored.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The backup's header.
    pub header: Header,
    /// The number of rows in it.
    pub rows: u64,
}

/// Why a backup was not written or not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Not an age recipient.
    #[error("the recipient is not an age X25519 recipient (age1...)")]
    Recipient,
    /// Not an age identity.
    #[error("the identity is not an age X25519 identity (AGE-SECRET-KEY-1...)")]
    Identity,
    /// Wrong passphrase or identity, or not an age file.
    #[error("the backup cannot be decrypted: {0}")]
    Locked(String),
    /// Truncated, or of a format that this version cannot read.
    #[error("the backup is damaged or of an unknown format: {0}")]
    Malformed(&'static str),
    /// Verification of the restored store found problems; it was removed again.
    #[error("the backup was not restored: verification found {} problems, first: {}", .0.problems.len(), .0.problems.first().map_or("", String::as_str))]
    Unverified(Report),
    /// The file cannot be read or written.
    #[error("the backup cannot be read or written")]
    Io(#[from] std::io::Error),
    /// The target store cannot be created or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RowsError> for BackupError {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::Malformed(why) => Self::Malformed(why),
            RowsError::Io(error) => Self::Io(error),
            RowsError::Store(error) => Self::Store(error),
        }
    }
}

impl From<EngineError> for BackupError {
    fn from(error: EngineError) -> Self {
        Self::Store(error.into())
    }
}

impl Ledger {
    /// Writes a consistent copy of the whole store while it is in use. The caller makes
    /// `out` durable.
    ///
    /// # Errors
    ///
    /// `out` is incomplete then.
    pub async fn backup(
        &self,
        protection: &Protection,
        out: impl Write + Send + 'static,
    ) -> Result<Summary, BackupError> {
        let encryptor = encryptor(protection)?;
        self.stream(move || encryptor.wrap_output(out)).await
    }

    /// As [`Self::backup`], without the age encryption around the sealed rows: for a
    /// client that encrypts the download itself.
    ///
    /// # Errors
    ///
    /// `out` is incomplete then.
    pub async fn export(&self, out: impl Write + Send + 'static) -> Result<Summary, BackupError> {
        self.stream(move || Ok(Plain(out))).await
    }

    async fn stream<S: Sink>(
        &self,
        open: impl FnOnce() -> std::io::Result<S> + Send + 'static,
    ) -> Result<Summary, BackupError> {
        let mut snapshot = self.core.engine.snapshot().await?;
        let header = self.header(&mut *snapshot).await?;
        let rows = rows::stream(&mut *snapshot, header.clone(), Rows::of(&[]), open).await?;
        Ok(Summary { header, rows })
    }

    async fn header(&self, snapshot: &mut dyn crate::engine::Snapshot) -> Result<Header, BackupError> {
        let key = tables::head(self.core.node);
        let row = snapshot.scan(&key, &[], 1).await?.pop();
        let head = crate::chain::head_of(&self.core.keyring, self.core.node, row.as_ref())?;
        let Head { node, seq, hash, .. } = head;
        Ok(Header { format: FORMAT, node, at: self.core.clock.now(), seq, hash: hash_text(&hash) })
    }
}

impl<W: Write> Sink for age::stream::StreamWriter<W> {
    fn end(self) -> std::io::Result<()> {
        self.finish()?.flush()
    }
}

struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Sink for Plain<W> {
    fn end(mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Restores a backup into a new store and verifies all of it with the root key that
/// `config` names. A store with problems is removed again.
///
/// # Errors
///
/// [`OpenError::AlreadyInitialised`] if there is a store already, which is not
/// touched.
pub async fn restore(
    input: impl Read + Send + 'static,
    unlock: &Unlock,
    config: &Config,
) -> Result<(Summary, Report), BackupError> {
    let unlock = unlock.clone();
    let mut reader =
        tokio::task::spawn_blocking(move || Reader::open(input, &unlock)).await.map_err(std::io::Error::other)??;
    let engine = connect(&config.storage, Mode::Create).await?;
    if !engine.scan(&[], &[], 1).await?.is_empty() {
        return Err(OpenError::AlreadyInitialised.into());
    }
    let header = reader.header.clone();
    let restored = async {
        let rows = load(&*engine, &mut reader).await?;
        let report = verified(Arc::clone(&engine), config).await?;
        if !report.holds() {
            return Err(BackupError::Unverified(report));
        }
        Ok((Summary { header, rows }, report))
    };
    let outcome = restored.await;
    // The restored chains end at the time of the backup. A node that kept its old id
    // would reuse sequence numbers that it has used before.
    if let (Ok(_), Storage::Postgres { node_file: Some(path), .. }) = (&outcome, &config.storage) {
        NodeFile::new(path).delete()?;
    }
    let cleared = if outcome.is_err() { clear(&*engine, &config.storage).await } else { Ok(()) };
    engine.close().await;
    outcome.inspect_err(|_| {
        if let Err(error) = cleared {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the incomplete store of a failed restore could not be removed: delete it"
            );
        }
    })
}

/// Loads all rows in one transaction, so that a crash leaves an empty store.
async fn load(engine: &dyn Engine, reader: &mut Reader) -> Result<u64, BackupError> {
    let mut tx = engine.begin().await?;
    // The file may be slow to read.
    tx.allow_long_statements();
    tx.disable_idle_timeout().await?;
    let (mut rows, mut last_revision) = (0, 0);
    while let Some(page) = reader.page().await? {
        rows += page.len() as u64;
        let write = |row: Row| RowWrite { key: row.key, content: Some((row.revision, row.value)) };
        last_revision = page.iter().map(|row| row.revision).fold(last_revision, u64::max);
        tx.apply(page.into_iter().map(write).collect()).await?;
    }
    tx.raise_revision(last_revision).await?;
    tx.commit().await?;
    Ok(rows)
}

async fn verified(engine: Arc<dyn Engine>, config: &Config) -> Result<Report, BackupError> {
    let ledger = Ledger::inspect(ReadOnly::borrowing(engine), &config.root_key, Arc::clone(&config.clock)).await?;
    Ok(ledger.verify(None).await?)
}

async fn clear(engine: &dyn Engine, storage: &Storage) -> Result<(), BackupError> {
    match storage {
        Storage::Redb { path, .. } => {
            engine.close().await;
            std::fs::remove_file(path)?;
        }
        Storage::Postgres { .. } => loop {
            let rows = engine.scan(&[], &[], PAGE).await?;
            if rows.is_empty() {
                break;
            }
            let mut tx = engine.begin().await?;
            tx.apply(rows.into_iter().map(|row| RowWrite { key: row.key, content: None }).collect()).await?;
            tx.commit().await?;
        },
    }
    Ok(())
}

/// A decrypted backup, read in pages.
struct Reader {
    header: Header,
    pages: mpsc::Receiver<Result<Vec<Row>, BackupError>>,
}

impl Reader {
    /// Reads the header, then the rows on a thread of its own. Blocks.
    fn open(input: impl Read + Send + 'static, unlock: &Unlock) -> Result<Self, BackupError> {
        let locked = |error: age::DecryptError| BackupError::Locked(error.to_string());
        let identity: Box<dyn age::Identity> = match unlock {
            Unlock::Identity(identity) => {
                let identity = secrecy::ExposeSecret::expose_secret(identity).trim();
                Box::new(identity.parse::<age::x25519::Identity>().map_err(|_| BackupError::Identity)?)
            }
            Unlock::Passphrase(passphrase) => Box::new(age::scrypt::Identity::new(passphrase.clone())),
        };
        let decryptor = age::Decryptor::new_buffered(BufReader::new(input)).map_err(locked)?;
        let mut input = BufReader::new(decryptor.decrypt(std::iter::once(&*identity)).map_err(locked)?);
        let header: Header = rows::read_header(&mut input)?;
        if header.format != FORMAT {
            return Err(BackupError::Malformed("it was written by a newer version of Bursar: upgrade this one"));
        }
        let (sender, pages) = mpsc::channel(2);
        std::thread::Builder::new().name("bursar-restore".to_owned()).spawn(move || {
            loop {
                let page = rows::read_page(&mut input, PAGE).map_err(BackupError::from);
                let last = !matches!(page, Ok((_, false)));
                // The restore may have failed and dropped the receiver.
                if sender.blocking_send(page.map(|(rows, _)| rows)).is_err() || last {
                    break;
                }
            }
        })?;
        Ok(Self { header, pages })
    }

    async fn page(&mut self) -> Result<Option<Vec<Row>>, BackupError> {
        self.pages.recv().await.transpose()
    }
}

fn encryptor(protection: &Protection) -> Result<age::Encryptor, BackupError> {
    match protection {
        Protection::Passphrase(passphrase) => Ok(age::Encryptor::with_user_passphrase(passphrase.clone())),
        Protection::Recipient(recipient) => {
            let recipient: age::x25519::Recipient = recipient.trim().parse().map_err(|_| BackupError::Recipient)?;
            age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
                .map_err(|_| BackupError::Recipient)
        }
    }
}

const FORMAT: u32 = 1;
const PAGE: usize = 512;
