//! Keeps components by digest: the active one and its predecessor. A start with a
//! broken file can then serve the last good component, and a rollback has a
//! target.
//!
//! The index carries a MAC, since write access to the folder must not decide
//! which component serves. A component whose digest differs from its name is not
//! used.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use bursar_kernel::plugin::Permissions;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::cache::create_private;

/// The archive's folder; without one nothing outlives the process.
pub(crate) struct Archive {
    folder: Option<PathBuf>,
    key: hmac::Key,
}

/// The history of each plugin of a folder, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) plugins: BTreeMap<String, PluginHistory>,
}

/// The components that one id has had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PluginHistory {
    /// The file it came from, as displayed.
    pub(crate) source: String,
    /// The active component, as last recorded; `None` once its file is gone.
    pub(crate) active: Option<ArchivedComponent>,
    /// Its predecessor.
    pub(crate) previous: Option<ArchivedComponent>,
}

/// An archived component, or a built-in one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArchivedComponent {
    /// `sha256:<hex>`.
    pub(crate) digest: String,
    pub(crate) version: String,
    /// Text of the signature that accompanied it.
    pub(crate) signature: Option<String>,
    pub(crate) permissions: Permissions,
}

impl Archive {
    /// Opens the folder, creating it for this user only, and reads the index. An
    /// index that fails authentication counts as empty.
    ///
    /// # Errors
    ///
    /// [`Error::Archive`] when the folder cannot be created.
    pub(crate) fn open(folder: Option<PathBuf>, key: &[u8; 32]) -> Result<(Self, Index), Error> {
        let archive = Self { folder, key: hmac::Key::new(hmac::HMAC_SHA256, key) };
        let Some(folder) = &archive.folder else { return Ok((archive, Index::default())) };
        create_private(folder).map_err(|source| Error::Archive { path: folder.clone(), source })?;
        let index = match fs::read(folder.join(INDEX)) {
            Ok(bytes) => archive.verified(&bytes).unwrap_or_else(|| {
                tracing::warn!("the index of archived plugins failed authentication; starting a new one");
                Index::default()
            }),
            Err(_) => Index::default(),
        };
        Ok((archive, index))
    }

    /// Archives a component.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub(crate) fn put(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        match self.file(digest) {
            Some(file) if !file.exists() => write(&file, &[bytes]),
            _ => Ok(()),
        }
    }

    /// An archived component, if it exists and matches its digest.
    pub(crate) fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.file(digest)?).ok()?;
        let intact = sha256(&bytes) == digest;
        if !intact {
            tracing::warn!(digest, "an archived plugin does not match its digest; it is not used");
        }
        intact.then_some(bytes)
    }

    /// Writes the index, then deletes every component that is neither in it nor in
    /// `present`.
    ///
    /// # Errors
    ///
    /// Those of the file system; the old index then stays valid.
    pub(crate) fn save(&self, index: &Index, present: &BTreeSet<String>) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let text = serde_json::to_vec(index)?;
        let tag = hex::encode(hmac::sign(&self.key, &signed(&text)));
        write(&folder.join(INDEX), &[tag.as_bytes(), b"\n", &text])?;
        let records = index.plugins.values().flat_map(|record| [&record.active, &record.previous]);
        let kept: BTreeSet<&str> =
            records.flatten().map(|kept| kept.digest.as_str()).chain(present.iter().map(String::as_str)).collect();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let digest = name.strip_suffix(".wasm").map(|hex| format!("sha256:{hex}"));
            if digest.is_some_and(|digest| !kept.contains(digest.as_str())) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn file(&self, digest: &str) -> Option<PathBuf> {
        let hex = digest.strip_prefix("sha256:").filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.folder.as_ref().map(|folder| folder.join(format!("{hex}.wasm")))
    }

    fn verified(&self, bytes: &[u8]) -> Option<Index> {
        let line = bytes.iter().position(|byte| *byte == b'\n')?;
        let (tag, text) = (hex::decode(&bytes[..line]).ok()?, &bytes[line + 1..]);
        hmac::verify(&self.key, &signed(text), &tag).ok()?;
        serde_json::from_slice(text).ok()
    }
}

/// `sha256:<hex>` of a component.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, bytes)))
}

/// The key authenticates compiled code too: the prefix keeps the two apart.
fn signed(text: &[u8]) -> Vec<u8> {
    [b"index of kept plugins\n", text].concat()
}

/// Writes a file atomically, for this user only.
fn write(file: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(file);
    let mut part = tempfile::NamedTempFile::new_in(folder)?;
    for bytes in parts {
        part.write_all(bytes)?;
    }
    part.as_file().sync_all()?;
    part.persist(file).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

const INDEX: &str = "index";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept(bytes: &[u8]) -> ArchivedComponent {
        ArchivedComponent {
            digest: sha256(bytes),
            version: "1.0.0".to_owned(),
            signature: None,
            permissions: Permissions::default(),
        }
    }

    fn index() -> Index {
        let record =
            PluginHistory { source: "x.wasm".to_owned(), active: Some(kept(b"two")), previous: Some(kept(b"one")) };
        Index { plugins: BTreeMap::from([("x".to_owned(), record)]) }
    }

    fn archive(folder: &Path) -> (Archive, Index) {
        Archive::open(Some(folder.to_owned()), &[1; 32]).unwrap()
    }

    #[test]
    fn the_active_the_previous_and_the_present_are_kept_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("plugins");
        let (first, empty) = archive(&folder);
        assert_eq!(empty, Index::default());
        for bytes in [&b"one"[..], b"two", b"three", b"four"] {
            first.put(&sha256(bytes), bytes).unwrap();
        }
        first.save(&index(), &BTreeSet::from([sha256(b"three")])).unwrap();

        let (again, read) = archive(&folder);
        assert_eq!(read, index());
        for bytes in [&b"one"[..], b"two", b"three"] {
            assert_eq!(again.get(&sha256(bytes)).as_deref(), Some(bytes));
        }
        assert_eq!(again.get(&sha256(b"four")), None);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_was_altered_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (archive, _) = archive(folder.path());
        archive.put(&sha256(b"one"), b"one").unwrap();
        archive.save(&index(), &BTreeSet::new()).unwrap();
        fs::write(archive.file(&sha256(b"one")).unwrap(), b"two").unwrap();
        assert_eq!(archive.get(&sha256(b"one")), None);
        assert_eq!(archive.get("sha256:../../etc/passwd"), None);

        let (_, other_key) = Archive::open(Some(folder.path().to_owned()), &[2; 32]).unwrap();
        assert_eq!(other_key, Index::default());
        let text = fs::read_to_string(folder.path().join(INDEX)).unwrap();
        fs::write(folder.path().join(INDEX), text.replace("x.wasm", "y.wasm")).unwrap();
        assert_eq!(Archive::open(Some(folder.path().to_owned()), &[1; 32]).unwrap().1, Index::default());
    }

    #[test]
    fn without_a_folder_nothing_is_kept() {
        let (archive, index) = Archive::open(None, &[1; 32]).unwrap();
        archive.put(&sha256(b"one"), b"one").unwrap();
        archive.save(&index, &BTreeSet::new()).unwrap();
        assert_eq!(archive.get(&sha256(b"one")), None);
    }
}
