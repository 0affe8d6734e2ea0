//! The keyring: the root key wraps the installation's keys and one key per account;
//! an account's key wraps one data key per secret record.
//!
//! Only the wrapping depends on the root key, so that a rotation rewrites nothing but
//! these small rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aes_gcm::Aes256Gcm;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use bursar_kernel::store::{Revision, StoreError};
use uuid::Uuid;

use crate::engine::{Row, Write};
use crate::root::RootKey;
use crate::seal::{Key256, ScopeKey, cipher, derive, open, random_key, seal};
use crate::tables;

/// The keys of an open store.
pub(crate) struct Keyring {
    root: RwLock<Wrapping>,
    /// Seals records that belong to the installation.
    pub(crate) system: ScopeKey,
    /// Seals audit records, chain heads and checkpoints.
    pub(crate) audit: ScopeKey,
    /// Signs checkpoints.
    pub(crate) signing: Ed25519KeyPair,
    index: hmac::Key,
    derivation: Key256,
    accounts: Mutex<HashMap<Uuid, Arc<AccountKey>>>,
}

/// An account's key and the revision of its row, which distinguishes it from a row
/// that another node has written since.
pub(crate) struct AccountKey {
    pub(crate) revision: Revision,
    pub(crate) scope: ScopeKey,
}

struct Wrapping {
    cipher: Aes256Gcm,
    /// Revision of the root record this key belongs to.
    root_revision: Revision,
}

impl Keyring {
    /// Creates new keys, and the rows with the wrapped keys.
    pub(crate) fn create(root: &RootKey, revision: Revision) -> (Self, Vec<Write>) {
        let wrapping = Wrapping { cipher: cipher(&root.wrapping_key()), root_revision: revision };
        let keys: [Key256; INSTALLATION_KEYS] = std::array::from_fn(|_| random_key());
        let rows = (0..).zip(&keys).map(|(number, key)| {
            let row = tables::installation_key(number);
            let sealed = seal(&wrapping.cipher, &row, revision, key.as_slice());
            Write { key: row, content: Some((revision, sealed)) }
        });
        let rows = rows.collect();
        (Self::of(wrapping, keys), rows)
    }

    /// Unwraps the installation's keys; `rows` in the order of
    /// [`installation_rows`].
    ///
    /// # Errors
    ///
    /// Names the row that is missing or cannot be opened.
    pub(crate) fn open(root: &RootKey, root_revision: Revision, rows: &[Option<Row>]) -> Result<Self, StoreError> {
        let wrapping = Wrapping { cipher: cipher(&root.wrapping_key()), root_revision };
        let mut keys: [Key256; INSTALLATION_KEYS] = std::array::from_fn(|_| Key256::default());
        for ((key, row), name) in keys.iter_mut().zip(rows).zip(installation_rows()) {
            *key = row.as_ref().and_then(|row| wrapping.unwrap(row)).ok_or_else(|| unsealable(&name))?;
        }
        Ok(Self::of(wrapping, keys))
    }

    fn of(wrapping: Wrapping, [system, index, derivation, audit, signing]: [Key256; INSTALLATION_KEYS]) -> Self {
        Self {
            root: RwLock::new(wrapping),
            system: ScopeKey::new(system, b"installation"),
            audit: ScopeKey::new(audit, b"audit"),
            signing: Ed25519KeyPair::from_seed_unchecked(signing.as_slice())
                .expect("any 32 bytes are an Ed25519 seed (RFC 8032, 5.1.5)"),
            index: hmac::Key::new(hmac::HMAC_SHA256, derive(&index, &[b"index"]).as_slice()),
            derivation,
            accounts: Mutex::default(),
        }
    }

    /// HMAC-SHA256 under the index key; the boundary of `context` and `text` is
    /// unambiguous.
    pub(crate) fn digest(&self, context: &str, text: &[u8]) -> [u8; 32] {
        let mut hmac = hmac::Context::with_key(&self.index);
        hmac.update(&(context.len() as u64).to_be_bytes());
        hmac.update(context.as_bytes());
        hmac.update(text);
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac.sign().as_ref());
        digest
    }

    /// A key for `context` that survives a rotation of the root key.
    pub(crate) fn derive(&self, context: &str) -> Key256 {
        derive(&self.derivation, &[b"derived", context.as_bytes()])
    }

    /// The account's cached key, if it came from its row at `revision`.
    pub(crate) fn cached(&self, account: Uuid, revision: Revision) -> Option<Arc<AccountKey>> {
        self.accounts().get(&account).filter(|key| key.revision == revision).cloned()
    }

    /// The account's cached key, whatever the revision of its row.
    pub(crate) fn last_seen(&self, account: Uuid) -> Option<Arc<AccountKey>> {
        self.accounts().get(&account).cloned()
    }

    /// Caches a committed key, or drops a deleted one.
    pub(crate) fn remember(&self, account: Uuid, key: Option<Arc<AccountKey>>) {
        match key {
            Some(key) => self.accounts().insert(account, key),
            None => self.accounts().remove(&account),
        };
    }

    /// Unwraps an account's row.
    ///
    /// # Errors
    ///
    /// The revision of the root key that did not open it.
    pub(crate) fn unwrap_account(&self, row: &Row) -> Result<Arc<AccountKey>, Revision> {
        let wrapping = self.wrapping();
        let key = wrapping.unwrap(row).ok_or(wrapping.root_revision)?;
        Ok(Arc::new(AccountKey { revision: row.revision, scope: ScopeKey::new(key, b"account") }))
    }

    /// A new account key and its wrapped row.
    pub(crate) fn create_account(&self, account: Uuid, revision: Revision) -> (Arc<AccountKey>, Vec<u8>) {
        let key = random_key();
        let sealed = seal(&self.wrapping().cipher, &tables::account_key(account), revision, key.as_slice());
        (Arc::new(AccountKey { revision, scope: ScopeKey::new(key, b"account") }), sealed)
    }

    /// Revision of the root record that the current wrapping key belongs to.
    pub(crate) fn root_revision(&self) -> Revision {
        self.wrapping().root_revision
    }

    /// The key in `row`, rewrapped under `root` for `revision`.
    ///
    /// # Errors
    ///
    /// Names the row if it cannot be opened under the current root key.
    pub(crate) fn rewrap(&self, row: &Row, root: &Aes256Gcm, revision: Revision) -> Result<Write, StoreError> {
        let key = self.wrapping().unwrap(row).ok_or_else(|| unsealable(&row.key))?;
        let sealed = seal(root, &row.key, revision, key.as_slice());
        Ok(Write { key: row.key.clone(), content: Some((revision, sealed)) })
    }

    /// Switches to a new root key, once its commit is durable.
    pub(crate) fn set_root(&self, root: Aes256Gcm, root_revision: Revision) {
        // Cached account keys stay valid: only their wrapping changed.
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = Wrapping { cipher: root, root_revision };
    }

    fn wrapping(&self) -> std::sync::RwLockReadGuard<'_, Wrapping> {
        self.root.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<AccountKey>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wrapping {
    fn unwrap(&self, row: &Row) -> Option<Key256> {
        key_of(&open(&self.cipher, &row.key, row.revision, &row.value)?)
    }
}

/// The keys of the rows that hold the installation's own keys: system, index,
/// derivation, audit, signing.
pub(crate) fn installation_rows() -> Vec<Vec<u8>> {
    (0..).take(INSTALLATION_KEYS).map(tables::installation_key).collect()
}

/// A key from its decrypted bytes.
pub(crate) fn key_of(bytes: &[u8]) -> Option<Key256> {
    bytes.try_into().ok().map(Key256::new)
}

/// The error that names `key`.
pub(crate) fn unsealable(key: &[u8]) -> StoreError {
    StoreError::Unsealable { key_hex: hex::encode(key) }
}

const INSTALLATION_KEYS: usize = 5;
