//! The settings, read.

use std::path::PathBuf;

use bursar_domain::Violation;
use bursar_domain::secret::SecretJson;
use rustix::fs::{Gid, Mode, RawMode, Stat, Uid};

use super::KIND;
use crate::settings::Settings;

/// What an operator wants of the directory.
pub(super) struct Options {
    /// Absolute, not the root.
    pub(super) path: PathBuf,
    /// Of files.
    pub(super) files: Rights,
    /// Of directories.
    pub(super) directories: Rights,
}

/// What everybody may do with a file or directory, and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Rights {
    pub(super) mode: Mode,
    /// Left as it comes when `None`.
    pub(super) uid: Option<Uid>,
    /// Left as it comes when `None`.
    pub(super) gid: Option<Gid>,
}

impl Rights {
    /// Whether something has them.
    pub(super) fn hold_for(self, stat: &Stat) -> bool {
        Mode::from_raw_mode(stat.st_mode) == self.mode
            && self.uid.is_none_or(|uid| uid.as_raw() == stat.st_uid)
            && self.gid.is_none_or(|gid| gid.as_raw() == stat.st_gid)
    }
}

impl Options {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every complaint.
    pub(super) fn read(settings: &SecretJson) -> Result<Self, Vec<Violation>> {
        let mut reader = Settings::new(&KIND, settings);
        let path = reader.text("path").map(PathBuf::from).unwrap_or_default();
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            reader.complain("path", "invalid", "A path cannot hold a NUL character.");
        } else if !path.as_os_str().is_empty() && !path.is_absolute() {
            reader.complain("path", "invalid", "Give an absolute path, such as /srv/bursar.");
        } else if path.is_absolute() && path.file_name().is_none() {
            reader.complain("path", "invalid", "Give the path of a directory by its name, such as /srv/bursar.");
        }
        let file_mode = mode(&mut reader, "mode", 0o600, 0o400);
        let directory_mode = mode(&mut reader, "directoryMode", 0o700, 0o700);
        let (uid, gid) = owner(&mut reader);
        let violations = reader.finish();
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Self {
            path,
            files: Rights { mode: file_mode, uid, gid },
            directories: Rights { mode: directory_mode, uid, gid },
        })
    }
}

/// A mode that keeps `least`, without which the broker could not go on.
fn mode(reader: &mut Settings<'_>, name: &str, default: RawMode, least: RawMode) -> Mode {
    let Some(text) = reader.text(name) else { return Mode::from_raw_mode(default) };
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let Some(mode) = RawMode::from_str_radix(digits, 8).ok().filter(|mode| plain && *mode <= 0o777) else {
        reader.complain(name, "invalid", &format!("Give a mode in octal from 0000 to 0777, such as {default:04o}."));
        return Mode::empty();
    };
    if mode & 0o002 != 0 {
        reader.complain(name, "invalid", "This would let everybody write: take the last digit without its 2.");
    }
    if mode & least != least {
        reader.complain(
            name,
            "invalid",
            &format!("The owner needs at least {least:04o}, or the broker is locked out."),
        );
    }
    Mode::from_raw_mode(mode)
}

fn owner(reader: &mut Settings<'_>) -> (Option<Uid>, Option<Gid>) {
    let Some(text) = reader.text("owner") else { return (None, None) };
    let (uid, gid) = text.split_once(':').map_or((text, None), |(uid, gid)| (uid, Some(gid)));
    match (id(uid), gid.map(id)) {
        (Some(uid), None) => (Some(Uid::from_raw(uid)), None),
        (Some(uid), Some(Some(gid))) => (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))),
        _ => {
            reader.complain("owner", "invalid", "Give UID or UID:GID as numbers, such as 1000:1000.");
            (None, None)
        }
    }
}

/// The largest number means "leave as it is" to the system.
fn id(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|id| plain && *id != u32::MAX)
}
