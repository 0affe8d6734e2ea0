//! The settings, and the options they stand for.

use std::path::PathBuf;

use bursar_kernel::secret::SecretJson;
use rustix::fs::{Gid, Mode, RawMode, Stat, Uid};
use serde::Deserialize;

use super::KIND;
use crate::settings::Violations;

/// The settings, as the schema lets them pass.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DirectorySettings {
    path: Option<String>,
    mode: Option<String>,
    directory_mode: Option<String>,
    owner: Option<String>,
}

/// What an operator wants of the directory.
pub(super) struct DirectoryOptions {
    /// Absolute, not the root.
    pub(super) path: PathBuf,
    /// Of files.
    pub(super) files: Permissions,
    /// Of directories.
    pub(super) directories: Permissions,
}

/// Mode and owner of a file or directory.
#[derive(Clone, Copy)]
pub(super) struct Permissions {
    pub(super) mode: Mode,
    /// Left as it is when `None`.
    pub(super) uid: Option<Uid>,
    /// Left as it is when `None`.
    pub(super) gid: Option<Gid>,
}

impl Permissions {
    /// Whether something has them.
    pub(super) fn match_stat(self, stat: &Stat) -> bool {
        Mode::from_raw_mode(stat.st_mode) == self.mode
            && self.uid.is_none_or(|uid| uid.as_raw() == stat.st_uid)
            && self.gid.is_none_or(|gid| gid.as_raw() == stat.st_gid)
    }
}

impl DirectoryOptions {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every violation.
    pub(super) fn read(settings: &SecretJson) -> Result<Self, Violations> {
        let (settings, mut violations) = KIND.read::<DirectorySettings>(settings);
        let path = settings.path.map(PathBuf::from);
        if path.as_ref().is_some_and(|path| path.is_absolute() && path.file_name().is_none()) {
            violations.add("/path", "invalid", "Give the path of a directory by its name, such as /srv/bursar.");
        }
        let mut mode = |pointer, text: Option<String>, default, least| {
            let mode = text.as_deref().and_then(octal).unwrap_or(default);
            if mode & 0o002 != 0 {
                violations.add(pointer, "invalid", "This would let everybody write: remove the 2 from the last digit.");
            }
            if mode & least != least {
                let message = format!("The owner needs at least {least:04o}, or the broker is locked out.");
                violations.add(pointer, "invalid", message);
            }
            Mode::from_raw_mode(mode)
        };
        let file_mode = mode("/mode", settings.mode, 0o600, 0o400);
        let directory_mode = mode("/directoryMode", settings.directory_mode, 0o700, 0o700);
        let (uid, gid) = settings.owner.as_deref().map_or(Some((None, None)), owner).unwrap_or_else(|| {
            violations.add("/owner", "invalid", "UID and GID must be at most 4294967294.");
            (None, None)
        });
        violations.none_or(path.map(|path| Self {
            path,
            files: Permissions { mode: file_mode, uid, gid },
            directories: Permissions { mode: directory_mode, uid, gid },
        }))
    }
}

fn octal(text: &str) -> Option<RawMode> {
    RawMode::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8).ok()
}

fn owner(text: &str) -> Option<(Option<Uid>, Option<Gid>)> {
    // The largest number means "leave unchanged" to the system.
    let id = |text: &str| text.parse().ok().filter(|id| *id != u32::MAX);
    let (uid, gid) = text.split_once(':').map_or((text, None), |(uid, gid)| (uid, Some(gid)));
    let gid = gid.map(|gid| id(gid).map(Gid::from_raw));
    match gid {
        Some(None) => None,
        gid => Some((Some(Uid::from_raw(id(uid)?)), gid.flatten())),
    }
}
