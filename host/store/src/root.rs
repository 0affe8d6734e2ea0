//! The root key: where it comes from, and how it is replaced without a moment
//! in which a crash would lose it.
//!
//! A rotation writes the new key beside the old one (`root.key.new`), commits
//! the rewrapped keyring, then renames. Whoever opens the store tries both and
//! finishes what was interrupted.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use bursar_domain::text::without_byte_order_mark;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seal::{Key256, derive, fill_random, random_key};

/// Where the root key comes from.
#[derive(Clone)]
pub enum RootKeySource {
    /// A file of 64 hex digits, mode 0600; made when there is none and a store
    /// is created.
    File(PathBuf),
    /// Argon2id of a passphrase; salt and cost are kept in the store.
    Passphrase(SecretString),
    /// An environment variable with 64 hex digits, by its name.
    Environment(String),
    /// The file `bursar-root-key` in a folder: systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(PathBuf),
}

/// Why there is no root key.
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
    /// Others than its owner can read the file.
    #[error("the root key file {path} can be read by others (mode {mode:o}): chmod 600 it", path = path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// Not 64 hex digits.
    #[error("the root key in {0} is not 64 hexadecimal digits")]
    Malformed(String),
    /// The passphrase is empty or too long for Argon2, or memory is short.
    #[error("the root key cannot be derived from the passphrase")]
    Passphrase,
    /// An earlier rotation did not finish; which key is in force is found on opening.
    #[error("{path} is left from an interrupted rotation: restart, which finishes it, and try again", path = path.display())]
    Interrupted {
        /// The staged key file.
        path: PathBuf,
    },
    /// The new key would overwrite something that is not the present key.
    #[error("{path} exists and does not hold the present root key", path = path.display())]
    Occupied {
        /// The key file asked for.
        path: PathBuf,
    },
    /// The store's root key was set up another way.
    #[error("this store's root key is not derived from a passphrase, or is and none was given")]
    SourceMismatch,
}

/// A root key in memory.
pub(crate) struct RootKey {
    secret: Key256,
    /// `(from, to)` to rename once the key is known to be the right one.
    rename: Option<(PathBuf, PathBuf)>,
    /// A rotation's leftover to remove once this key is known to be the right one.
    leftover: Option<PathBuf>,
}

/// What the store keeps of the root key, in plain text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RootRecord {
    pub(crate) format: u32,
    kdf: Option<Kdf>,
    /// HKDF of the root key, hex: tells the right key from a wrong one.
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
    /// For a new store: reads the key, or makes it where that is ours to do.
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

    /// A random key that is kept nowhere.
    pub(crate) fn throwaway() -> (Self, RootRecord) {
        Self::of(random_key()).with_record(None)
    }

    /// For a rotation: as [`create`](Self::create), but a file's new key is
    /// staged beside the old until [`finish`](Self::finish). Never overwrites a
    /// key that may be needed: `present` tells the one that may go.
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

    /// The key of an existing store; `None` where the source has another one.
    pub(crate) fn find(source: &RootKeySource, record: &RootRecord) -> Result<Option<Self>, RootKeyError> {
        let candidates = match (source, &record.kdf) {
            (RootKeySource::Passphrase(passphrase), Some(kdf)) => vec![Self::of(kdf.derive(passphrase)?)],
            (RootKeySource::Passphrase(_), None) | (_, Some(_)) => return Err(RootKeyError::SourceMismatch),
            (RootKeySource::File(path), None) => {
                let staged = staged_path(path);
                if staged.exists() {
                    let old = Self { leftover: Some(staged.clone()), ..Self::of(read_key_file(path)?) };
                    // A crash while it was written leaves a short file: then it was never used.
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

    /// Finishes a rotation's files, once this key is known to be the one in use.
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

/// As ssh does with a private key: a file of our own user's that others can read
/// is no secret. One of another user's was put there by whoever set up the machine.
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

/// Makes a created or renamed file's name durable too.
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
/// A store is third-party input to whoever restores it: 1 GiB is enough.
const MAX_ARGON2_MEMORY_KIB: u32 = 1024 * 1024;
