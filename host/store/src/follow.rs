//! Follows a root key that another node rotated.
//!
//! When a wrapped key does not open, another node may have rotated the root key.
//! So the root record is checked first, the new root key is loaded from its source
//! if it is there, and only then is tampering reported. Without the new key, the
//! node keeps serving accounts whose keys it has already unwrapped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bursar_kernel::store::{Revision, StoreError};
use uuid::Uuid;

use crate::engine::{Engine, Row};
use crate::keyring::{AccountKey, Keyring, unsealable};
use crate::ledger::{Core, Ledger};
use crate::open::root_record;
use crate::root::{RootKey, RootKeyError, RootKeySource, RootRecord};
use crate::seal::cipher;
use crate::tables;

/// Whether this node has the current root key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootKeyStatus {
    /// It has the current key.
    Current,
    /// Another node rotated the key, and the new one is not in this node's source yet.
    Missing {
        /// When this was noticed.
        since: Instant,
    },
}

impl RootKeyStatus {
    /// Why this keeps a node from being ready; names no path.
    #[must_use]
    pub fn obstacle(self) -> Option<String> {
        matches!(self, Self::Missing { .. }).then(|| RootKeyMissing.to_string())
    }
}

/// This node does not have the current root key.
#[derive(Debug, thiserror::Error)]
#[error("the root key was rotated by another node: put the new one where storage.root_key says")]
pub(crate) struct RootKeyMissing;

impl From<RootKeyMissing> for StoreError {
    fn from(missing: RootKeyMissing) -> Self {
        Self::Unavailable(Box::new(missing))
    }
}

/// Loads a rotated root key from its source.
pub(crate) struct RootFollower {
    source: RwLock<RootKeySource>,
    /// Since when the current key could not be loaded.
    missing: Mutex<Option<Instant>>,
    /// When the last attempt failed, and for which root revision; concurrent callers
    /// share it.
    last_failure: tokio::sync::Mutex<Option<(Instant, Revision)>>,
}

/// What a check of the root record found.
enum RootKeyCheck {
    /// This node has the current key.
    Current,
    /// The key was rotated, and the new one has been loaded.
    Loaded,
    /// The key was rotated, and the new one is not in its source.
    Missing,
}

impl RootFollower {
    pub(crate) fn new(source: RootKeySource) -> Self {
        Self { source: RwLock::new(source), missing: Mutex::default(), last_failure: tokio::sync::Mutex::default() }
    }

    fn source(&self) -> RootKeySource {
        self.source.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn missing(&self) -> MutexGuard<'_, Option<Instant>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> RootKeyStatus {
        self.missing().map_or(RootKeyStatus::Current, |since| RootKeyStatus::Missing { since })
    }

    /// Whether cached account keys may still be used.
    fn serves_cached(&self) -> bool {
        self.missing().is_none_or(|since| since.elapsed() < CACHED_KEYS_SERVE_FOR)
    }

    async fn check(&self, engine: &dyn Engine, keyring: &Keyring) -> Result<RootKeyCheck, StoreError> {
        let mut last_failure = self.last_failure.lock().await;
        let mut tries = 0;
        let refused = loop {
            let (record, row) = root_record(engine).await?.ok_or_else(|| unsealable(&tables::root()))?;
            if row.revision == keyring.root_revision() {
                *self.missing() = None;
                return Ok(RootKeyCheck::Current);
            }
            if last_failure.is_some_and(|(at, revision)| revision == row.revision && at.elapsed() < RETRY_AFTER) {
                return Ok(RootKeyCheck::Missing);
            }
            let found = self.find(record).await;
            if let Ok(Some(root)) = found {
                keyring.set_root(cipher(&root.wrapping_key()), row.revision);
                (*self.missing(), *last_failure) = (None, None);
                tracing::info!("the root key was rotated by another node: this node uses the new one now");
                return Ok(RootKeyCheck::Loaded);
            }
            tries += 1;
            if tries == MAX_TRIES {
                *last_failure = Some((Instant::now(), row.revision));
                break found.err();
            }
            // The other node may be renaming the file, or rotating again.
            tokio::time::sleep(RETRY_PAUSE).await;
        };
        drop(last_failure);
        if self.mark_missing() {
            let minutes = CACHED_KEYS_SERVE_FOR.as_secs() / 60;
            let cause = refused.as_ref().map(|error| error as &dyn std::error::Error);
            tracing::error!(cause, "{RootKeyMissing}; accounts in use are served for another {minutes} minutes");
        }
        Ok(RootKeyCheck::Missing)
    }

    /// The key that `record` describes, if the source has it.
    async fn find(&self, record: RootRecord) -> Result<Option<RootKey>, RootKeyError> {
        if !record.is_known_format() {
            return Ok(None);
        }
        let source = self.source();
        let found = tokio::task::spawn_blocking(move || RootKey::find(&source, &record)).await;
        // It does not panic, and is cancelled only when the process ends.
        found.unwrap_or(Ok(None))
    }

    /// Returns whether the key was present until now.
    fn mark_missing(&self) -> bool {
        let mut missing = self.missing();
        let is_news = missing.is_none();
        missing.get_or_insert_with(Instant::now);
        is_news
    }
}

impl Core {
    /// Unwraps an account's key from its row, under the current root key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsealable`] only if the row was altered; [`RootKeyMissing`] if the
    /// current root key cannot be loaded.
    pub(crate) async fn unwrap_account(&self, account: Uuid, row: &Row) -> Result<Arc<AccountKey>, StoreError> {
        let mut row = row.clone();
        for _ in 0..MAX_ROTATIONS {
            let tried = match self.keyring.unwrap_account(&row) {
                Ok(key) => return Ok(key),
                Err(root_revision) => root_revision,
            };
            if let RootKeyCheck::Missing = self.root.check(&*self.engine, &self.keyring).await? {
                return self.last_seen(account).ok_or_else(|| RootKeyMissing.into());
            }
            let now = self.engine.get_many(std::slice::from_ref(&row.key)).await?.pop().flatten();
            let now = now.ok_or_else(|| unsealable(&row.key))?;
            if tried == self.keyring.root_revision() && now.revision == row.revision {
                break;
            }
            // The row was rewrapped between two reads, or a concurrent caller loaded the key.
            row = now;
        }
        Err(unsealable(&row.key))
    }

    /// The account's cached key: a rotation of the root key changes only its
    /// wrapping.
    pub(crate) fn last_seen(&self, account: Uuid) -> Option<Arc<AccountKey>> {
        self.keyring.last_seen(account).filter(|_| self.root.serves_cached())
    }

    /// Makes sure that this node uses the current root key.
    ///
    /// # Errors
    ///
    /// If the current root key cannot be loaded.
    pub(crate) async fn follow_root(&self) -> Result<(), StoreError> {
        match self.root.check(&*self.engine, &self.keyring).await? {
            RootKeyCheck::Current | RootKeyCheck::Loaded => Ok(()),
            RootKeyCheck::Missing => Err(RootKeyMissing.into()),
        }
    }
}

impl Ledger {
    /// Checks whether another node rotated the root key, and loads the new one if the
    /// source has it.
    ///
    /// # Errors
    ///
    /// If the store could not be read.
    pub async fn follow_root_key(&self) -> Result<RootKeyStatus, StoreError> {
        self.core.root.check(&*self.core.engine, &self.core.keyring).await?;
        Ok(self.root_key_status())
    }

    /// The result of the last check.
    #[must_use]
    pub fn root_key_status(&self) -> RootKeyStatus {
        self.core.root.status()
    }

    /// Sets the source from which a rotated root key is loaded.
    pub fn set_root_key_source(&self, source: RootKeySource) {
        *self.core.root.source.write().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

/// How long accounts with cached keys are served without the current root key: long
/// enough to bring the key, short enough to stop a forgotten node.
const CACHED_KEYS_SERVE_FOR: Duration = Duration::from_hours(1);
/// Deriving a key from a passphrase takes half a second, and every request may ask.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Rotations that may happen while one row is read.
const MAX_ROTATIONS: usize = 5;
/// Attempts before the key counts as missing.
const MAX_TRIES: usize = 3;
/// Longer than renaming a key file takes.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
