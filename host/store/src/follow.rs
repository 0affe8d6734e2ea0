//! Following a root key that another node rotated.
//!
//! When a wrapped key does not open, another node may have rotated the root key.
//! So the root record is checked first, the new root key is loaded from its source
//! if it is there, and only then is tampering reported. Without the new key, the
//! node keeps serving accounts whose keys it has already unwrapped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bursar_domain::store::{Error, Revision};
use uuid::Uuid;

use crate::engine::{Engine, Row};
use crate::keyring::{AccountKey, Keyring, unsealable};
use crate::ledger::{Core, Ledger};
use crate::open::root_record;
use crate::root::{RootKey, RootKeyError, RootKeySource, RootRecord};
use crate::seal::cipher;
use crate::tables;

/// Whether this node has the root key that is in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootKeyStatus {
    /// It has.
    Current,
    /// Another node rotated it, and the new key is not in its source yet.
    Missing {
        /// When this was noticed.
        since: Instant,
    },
}

impl RootKeyStatus {
    /// Why this keeps a node from being ready; no path in it.
    #[must_use]
    pub fn obstacle(self) -> Option<String> {
        matches!(self, Self::Missing { .. }).then(|| RootKeyMissing.to_string())
    }
}

/// The root key in force is not the one this node has.
#[derive(Debug, thiserror::Error)]
#[error("the root key was rotated by another node: put the new one where storage.root_key says")]
pub(crate) struct RootKeyMissing;

impl From<RootKeyMissing> for Error {
    fn from(missing: RootKeyMissing) -> Self {
        Self::Unavailable(Box::new(missing))
    }
}

/// Loads a rotated root key from its source.
pub(crate) struct RootFollower {
    source: RwLock<RootKeySource>,
    /// Since when the key in force could not be loaded.
    missing: Mutex<Option<Instant>>,
    /// The last failed attempt to load it, and for which root revision; concurrent
    /// callers share it.
    last_failure: tokio::sync::Mutex<Option<(Instant, Revision)>>,
}

/// What a check of the root record found.
enum RootKeyCheck {
    /// This node has the key in force.
    Current,
    /// The key was rotated, and the new one is loaded now.
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

    /// Whether what was opened before may still be served.
    fn serves_cached(&self) -> bool {
        self.missing().is_none_or(|since| since.elapsed() < CACHED_KEYS_SERVE_FOR)
    }

    async fn check(&self, engine: &dyn Engine, keyring: &Keyring) -> Result<RootKeyCheck, Error> {
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
                tracing::info!("the root key was rotated by another node: the new one is in use");
                return Ok(RootKeyCheck::Loaded);
            }
            tries += 1;
            if tries == MAX_TRIES {
                *last_failure = Some((Instant::now(), row.revision));
                break found.err();
            }
            // The other node may be renaming the file, or at the next rotation.
            tokio::time::sleep(RETRY_PAUSE).await;
        };
        drop(last_failure);
        if self.mark_missing() {
            let minutes = CACHED_KEYS_SERVE_FOR.as_secs() / 60;
            let cause = refused.as_ref().map(|error| error as &dyn std::error::Error);
            tracing::error!(cause, "{RootKeyMissing}; for {minutes} minutes, accounts that were in use are served");
        }
        Ok(RootKeyCheck::Missing)
    }

    /// The key that `record` tells of, where the source has it.
    async fn find(&self, record: RootRecord) -> Result<Option<RootKey>, RootKeyError> {
        if !record.is_known_format() {
            return Ok(None);
        }
        let source = self.source();
        let found = tokio::task::spawn_blocking(move || RootKey::find(&source, &record)).await;
        // It panics nowhere; where it is cut off, the process ends.
        found.unwrap_or(Ok(None))
    }

    /// Answers whether it was there until now.
    fn mark_missing(&self) -> bool {
        let mut missing = self.missing();
        let is_news = missing.is_none();
        missing.get_or_insert_with(Instant::now);
        is_news
    }
}

impl Core {
    /// Opens an account's key from its row, under the root key in force.
    ///
    /// # Errors
    ///
    /// [`Error::Unsealable`] only where the row was altered; where the root key is
    /// another one that cannot be had, that.
    pub(crate) async fn unwrap_account(&self, account: Uuid, row: &Row) -> Result<Arc<AccountKey>, Error> {
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
            // It was wrapped anew between two looks, or others took the root key up.
            row = now;
        }
        Err(unsealable(&row.key))
    }

    /// The account's key as last seen: rotating the root key changes its wrapping
    /// and not the key.
    pub(crate) fn last_seen(&self, account: Uuid) -> Option<Arc<AccountKey>> {
        self.keyring.last_seen(account).filter(|_| self.root.serves_cached())
    }

    /// Goes over to the root key in force.
    ///
    /// # Errors
    ///
    /// Where it is another one that cannot be had.
    pub(crate) async fn follow_root(&self) -> Result<(), Error> {
        match self.root.check(&*self.engine, &self.keyring).await? {
            RootKeyCheck::Current | RootKeyCheck::Loaded => Ok(()),
            RootKeyCheck::Missing => Err(RootKeyMissing.into()),
        }
    }
}

impl Ledger {
    /// Looks whether another node rotated the root key, and takes the new one up
    /// where its source has it.
    ///
    /// # Errors
    ///
    /// Where the store could not be read.
    pub async fn follow_root_key(&self) -> Result<RootKeyStatus, Error> {
        self.core.root.check(&*self.core.engine, &self.core.keyring).await?;
        Ok(self.root_key_status())
    }

    /// What the last look found.
    #[must_use]
    pub fn root_key_status(&self) -> RootKeyStatus {
        self.core.root.status()
    }

    /// From now on, where a new root key is looked for.
    pub fn set_root_key_source(&self, source: RootKeySource) {
        *self.core.root.source.write().unwrap_or_else(PoisonError::into_inner) = source;
    }
}

/// How long accounts whose keys were opened before are served without the root
/// key in force: long enough to bring it, and no longer than a forgotten node
/// should go on.
const CACHED_KEYS_SERVE_FOR: Duration = Duration::from_hours(1);
/// A passphrase takes half a second of computing, and all requests may ask.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// That one look at a row may meet.
const MAX_ROTATIONS: usize = 5;
/// Looks until what is found counts.
const MAX_TRIES: usize = 3;
const RETRY_PAUSE: Duration = Duration::from_millis(20);
