//! The login profile: the default broker's address and token, in a file under the
//! XDG config dir that only its owner can read.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input::decoded;

/// What `bursar login` stores.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The broker's address.
    pub(crate) addr: String,
    /// Sent only to that address.
    pub(crate) token: Zeroizing<String>,
    /// The account to work in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// File of the certificates to trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

impl Profile {
    /// The profile's path.
    ///
    /// # Errors
    ///
    /// If there is no home directory.
    pub(crate) fn path() -> Result<PathBuf, Failure> {
        let base = etcetera::choose_base_strategy()
            .map_err(|_| Failure::Failed("there is no home directory for the login profile".to_owned()))?;
        Ok(base.config_dir().join("bursar").join("profile.toml"))
    }

    /// Reads the profile; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If others can read the file, or it is not a profile.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let doing = || format!("read {}", path.display());
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::io(doing(), error)),
        };
        if metadata.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            return Err(Failure::Usage(format!(
                "{path} contains a token and is readable by others: run `chmod 600 {path}`"
            )));
        }
        let bytes = Zeroizing::new(fs::read(path).map_err(|error| Failure::io(doing(), error))?);
        let text = decoded(&bytes).map_err(|why| Failure::Usage(format!("{} {why}", path.display())))?;
        // The parser's message quotes the text, which contains the token.
        toml::from_str(&text)
            .map(Some)
            .map_err(|_| Failure::Usage(format!("{} is not a login profile: run `bursar login` again", path.display())))
    }

    /// Writes the profile, replacing an existing one atomically.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self).map(Zeroizing::new).map_err(|error| Failure::Failed(error.to_string()))?;
        let failed = |error| Failure::io(format!("write {}", path.display()), error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        write_private(path, text.as_bytes(), true).map_err(failed)
    }
}

/// Writes a file of mode 0600 completely or not at all. Fails if it exists, unless
/// `replace`.
///
/// # Errors
///
/// The system's.
pub(crate) fn write_private(path: &Path, content: &[u8], replace: bool) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files have mode 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Profile {
        Profile {
            addr: "http://127.0.0.1:8420".to_owned(),
            token: Zeroizing::new("brs_user_hunter2".to_owned()),
            account: Some("default".to_owned()),
            ca_file: None,
        }
    }

    #[test]
    fn a_profile_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bursar/profile.toml");
        assert!(Profile::load(&path).unwrap().is_none());
        sample().save(&path).unwrap();
        sample().save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(*Profile::load(&path).unwrap().unwrap().token, "brs_user_hunter2");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Profile::load(&path), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_broken_profile_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        write_private(&path, b"token = \"hunter2", false).unwrap();
        let Err(failure) = Profile::load(&path) else { panic!("a broken profile was taken") };
        assert!(!failure.to_string().contains("hunter2"));
    }

    #[test]
    fn an_existing_file_stays_unless_told_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_private(&path, b"one", false).unwrap();
        assert_eq!(write_private(&path, b"two", false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_private(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
