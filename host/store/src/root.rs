//! The root key: its sources, and its rotation, during which no crash can lose it.
//!
//! A rotation writes the new key beside the old one (`root.key.new`), commits the
//! rewrapped keyring, then renames the file. After a crash, opening the store tries
//! both keys and finishes the rotation.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use bursar_kernel::text::without_byte_order_mark;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seal::{Key256, derive, fill_random, random_key};

/// The source of the root key.
#[derive(Clone)]
pub enum RootKeySource {
    /// A file of 64 hex digits, mode 0600. Created along with a new store if it does
    /// not exist.
    File(PathBuf),
    /// Argon2id of a passphrase; the store holds the salt and the cost.
    Passphrase(SecretString),
    /// The name of an environment variable with 64 hex digits.
    Environment(String),
    /// The file `bursar-root-key` in a folder: systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(PathBuf),
}

/// Why the root key could not be loaded or created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// The file cannot be read or written.
    #[error("the root key file {path} cannot be read or written", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Users other than its owner can access the file.
    #[error("other users can access the root key file {path} (mode {mode:o}): run `chmod 600` on it", path = path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The variable is not set.
    #[error("the environment variable {0} is not set: it must hold the root key")]
    Unset(String),
    /// Not 64 hex digits.
    #[error("the root key in {0} is malformed: it must be 64 hexadecimal digits")]
    Malformed(String),
    /// The passphrase is empty or too long for Argon2, or memory is short.
    #[error("the root key cannot be derived: the passphrase is empty or too long, or memory is short")]
    Passphrase,
    /// An earlier rotation did not finish; opening the store finishes it.
    #[error("an interrupted rotation left {path}: restart the broker to finish it, then try again", path = path.display())]
    Interrupted {
        /// The staged key file.
        path: PathBuf,
    },
    /// The new key would overwrite a file that does not hold the current key.
    #[error("{path} exists and does not hold the current root key: move it away or choose another path", path = path.display())]
    Occupied {
        /// The key file asked for.
        path: PathBuf,
    },
    /// The store's root key is derived from a passphrase and the source is none, or
    /// the other way round.
    #[error("root key source mismatch: check storage.root_key.source")]
    SourceMismatch,
}

/// A root key in memory.
pub(crate) struct RootKey {
    secret: Key256,
    /// `(from, to)` to rename once this proves to be the right key.
    rename: Option<(PathBuf, PathBuf)>,
    /// A rotation's leftover to delete once this proves to be the right key.
    leftover: Option<PathBuf>,
}

/// What the store records about the root key, in plain text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RootRecord {
    pub(crate) format: u32,
    kdf: Option<Kdf>,
    /// HKDF of the root key, in hex: identifies the right key.
    check: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kdf {
    salt: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl RootKey {
    /// For a new store: reads the key, or creates a file that does not exist.
    pub(crate) fn create(source: &RootKeySource) -> Result<(Self, RootRecord), RootKeyError> {
        match source {
            RootKeySource::File(path) => {
                if !path.exists() {
                    write_key_file(path)?;
                }
                Ok(Self::of(read_key_file(path)?).with_record(None))
            }
            other => Self::external(other),
        }
    }

    /// A random key that is never stored.
    pub(crate) fn throwaway() -> (Self, RootRecord) {
        Self::of(random_key()).with_record(None)
    }

    /// For a rotation: as [`create`](Self::create), but a file's new key is staged
    /// beside the old one until [`finish`](Self::finish). Only the key that `present`
    /// describes may be overwritten.
    pub(crate) fn stage(source: &RootKeySource, present: &RootRecord) -> Result<(Self, RootRecord), RootKeyError> {
        match source {
            RootKeySource::File(path) => {
                let staged = staged_path(path);
                if staged.exists() {
                    return Err(RootKeyError::Interrupted { path: staged });
                }
                if path.exists() && !read_key_file(path).is_ok_and(|key| Self::of(key).check() == present.check) {
                    return Err(RootKeyError::Occupied { path: path.clone() });
                }
                write_key_file(&staged)?;
                let key = Self { rename: Some((staged.clone(), path.clone())), ..Self::of(read_key_file(&staged)?) };
                Ok(key.with_record(None))
            }
            other => Self::external(other),
        }
    }

    /// The key of an existing store; `None` if the source has another key.
    pub(crate) fn find(source: &RootKeySource, record: &RootRecord) -> Result<Option<Self>, RootKeyError> {
        let candidates = match (source, &record.kdf) {
            (RootKeySource::Passphrase(passphrase), Some(kdf)) => vec![Self::of(kdf.derive(passphrase)?)],
            (RootKeySource::Passphrase(_), None) | (_, Some(_)) => return Err(RootKeyError::SourceMismatch),
            (RootKeySource::File(path), None) => {
                let staged = staged_path(path);
                if staged.exists() {
                    let old = Self { leftover: Some(staged.clone()), ..Self::of(read_key_file(path)?) };
                    // A short file is left by a crash during the write: that key was never used.
                    let new = read_key_file(&staged).ok().map(Self::of);
                    let new = new.map(|new| Self { rename: Some((staged, path.clone())), ..new });
                    [Some(old), new].into_iter().flatten().collect()
                } else {
                    vec![Self::of(read_key_file(path)?)]
                }
            }
            (other, None) => vec![Self::external(other)?.0],
        };
        Ok(candidates.into_iter().find(|key| key.check() == record.check))
    }

    /// Moves a rotation's files into place, once this proves to be the key in use.
    pub(crate) fn finish(&self) -> Result<(), RootKeyError> {
        if let Some((from, to)) = &self.rename {
            let failed = |source| RootKeyError::File { path: to.clone(), source };
            fs::rename(from, to).map_err(failed)?;
            sync_folder_of(to).map_err(failed)?;
        }
        self.leftover.as_deref().map_or(Ok(()), remove_if_there)
    }

    /// The key that wraps the keyring.
    pub(crate) fn wrapping_key(&self) -> Key256 {
        derive(&self.secret, &[b"keyring wrapping"])
    }

    fn external(source: &RootKeySource) -> Result<(Self, RootRecord), RootKeyError> {
        let key = match source {
            RootKeySource::Passphrase(passphrase) => {
                let kdf = Kdf::new();
                return Ok(Self::of(kdf.derive(passphrase)?).with_record(Some(kdf)));
            }
            RootKeySource::Environment(variable) => {
                let text = std::env::var(variable).map_err(|_| RootKeyError::Unset(variable.clone()))?;
                parse(&Zeroizing::new(text)).ok_or_else(|| RootKeyError::Malformed(variable.clone()))?
            }
            RootKeySource::Credential(folder) => read_key_file(&folder.join("bursar-root-key"))?,
            RootKeySource::File(path) => read_key_file(path)?,
        };
        Ok(Self::of(key).with_record(None))
    }

    fn of(secret: Key256) -> Self {
        Self { secret, rename: None, leftover: None }
    }

    fn with_record(self, kdf: Option<Kdf>) -> (Self, RootRecord) {
        let record = RootRecord { format: FORMAT, kdf, check: self.check() };
        (self, record)
    }

    fn check(&self) -> String {
        hex::encode(derive(&self.secret, &[b"root key check"]).as_slice())
    }
}

impl RootRecord {
    /// Whether this build can read the store.
    pub(crate) fn is_known_format(&self) -> bool {
        self.format == FORMAT
    }
}

impl Kdf {
    fn new() -> Self {
        let mut salt = [0; 16];
        fill_random(&mut salt);
        Self { salt: hex::encode(salt), memory_kib: ARGON2_MEMORY_KIB, passes: 3, lanes: 1 }
    }

    fn derive(&self, passphrase: &SecretString) -> Result<Key256, RootKeyError> {
        let salt = hex::decode(&self.salt).map_err(|_| RootKeyError::Passphrase)?;
        if passphrase.expose_secret().is_empty() || self.memory_kib > MAX_ARGON2_MEMORY_KIB {
            return Err(RootKeyError::Passphrase);
        }
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, None).map_err(|_| RootKeyError::Passphrase)?;
        let mut key = Key256::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose_secret().as_bytes(), &salt, &mut *key)
            .map_err(|_| RootKeyError::Passphrase)?;
        Ok(key)
    }
}

fn staged_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn write_key_file(path: &Path) -> Result<(), RootKeyError> {
    let failed = |source| RootKeyError::File { path: path.to_owned(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = Zeroizing::new(hex::encode(random_key().as_slice()) + "\n");
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    sync_folder_of(path).map_err(failed)
}

fn read_key_file(path: &Path) -> Result<Key256, RootKeyError> {
    refuse_exposed(path)?;
    let text = fs::read_to_string(path).map_err(|source| RootKeyError::File { path: path.to_owned(), source })?;
    parse(&Zeroizing::new(text)).ok_or_else(|| RootKeyError::Malformed(path.display().to_string()))
}

/// Refuses, as ssh does for a private key, a file of the broker's own user that other
/// users can access. A file of another user was set up by the machine's administrator.
fn refuse_exposed(path: &Path) -> Result<(), RootKeyError> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path).map_err(|source| RootKeyError::File { path: path.to_owned(), source })?;
    let is_ours = found.uid() == rustix::process::getuid().as_raw();
    if is_ours && found.mode() & 0o077 != 0 {
        return Err(RootKeyError::Exposed { path: path.to_owned(), mode: found.mode() & 0o777 });
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), RootKeyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RootKeyError::File { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// Makes the name of a created or renamed file durable.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

fn parse(text: &str) -> Option<Key256> {
    let mut key = Key256::default();
    hex::decode_to_slice(without_byte_order_mark(text).trim(), &mut *key).ok()?;
    Some(key)
}

const FORMAT: u32 = 1;
/// 64 MiB, RFC 9106's second recommended option.
const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
/// A restored store is untrusted input: it may ask for 1 GiB at most.
const MAX_ARGON2_MEMORY_KIB: u32 = 1024 * 1024;
