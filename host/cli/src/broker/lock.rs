//! One broker per data dir.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::failure::Failure;

/// Held while a broker runs; the system lets go of it with the process, however
/// that ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Makes the folder where it is not there, and takes it.
    ///
    /// # Errors
    ///
    /// [`Failure::Conflict`] where another broker runs in it.
    pub(crate) fn take(folder: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::io(format!("use the data dir {}", folder.display()), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut options = fs::OpenOptions::new();
        let path = folder.join(LOCK_FILE);
        let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = folder.display();
                return Err(Failure::Conflict(format!("the data dir {folder} is in use by a running broker")));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // For whoever looks; nothing reads it.
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

const LOCK_FILE: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_dir_has_one_broker() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let first = DirectoryLock::take(&folder).unwrap();
        assert!(matches!(DirectoryLock::take(&folder), Err(Failure::Conflict(_))));
        drop(first);
        DirectoryLock::take(&folder).unwrap();
    }
}
