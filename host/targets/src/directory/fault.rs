//! Translates system errors for operators: what is wrong, and the cure.

use bursar_regions::TargetError;
use rustix::io::Errno;

/// The error for an `errno` while `doing` something to `path`.
pub(super) fn fault(errno: Errno, doing: &str, path: &str) -> TargetError {
    match errno {
        Errno::NOSPC => TargetError::Unreachable(format!("cannot {doing} {path}: the disk is full; free some space")),
        Errno::DQUOT => TargetError::Unreachable(format!(
            "cannot {doing} {path}: the disk quota of the broker's user is exhausted; raise it, or free some space"
        )),
        Errno::ACCESS | Errno::PERM => TargetError::Refused(format!(
            "cannot {doing} {path}: the broker's user lacks permission; give it the directory, or change the region's `owner`"
        )),
        Errno::ROFS => TargetError::Refused(format!(
            "cannot {doing} {path}: its file system is mounted read-only; mount it read-write"
        )),
        Errno::NAMETOOLONG => {
            TargetError::Invalid(format!("cannot {doing} {path}: the name is too long for the file system"))
        }
        Errno::XDEV => TargetError::Invalid(format!(
            "cannot {doing} {path}: another file system is mounted below the region's path; mount a single one for the whole path"
        )),
        Errno::LOOP | Errno::NOTDIR | Errno::ISDIR => {
            TargetError::Foreign(format!("cannot {doing} {path}: it was replaced by something of another type"))
        }
        Errno::EXIST => TargetError::Foreign(format!("{path} was created by somebody else; move it away")),
        Errno::NOENT => TargetError::Conflict(format!("cannot {doing} {path}: it was removed meanwhile")),
        Errno::IO | Errno::STALE | Errno::NODEV | Errno::NXIO | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::NOTCONN => {
            TargetError::Unreachable(format!("cannot {doing} {path}: the file system does not respond ({errno})"))
        }
        _ => TargetError::Failed(format!("cannot {doing} {path}: {errno}")),
    }
}

/// The same for an error of the standard library.
pub(super) fn io_fault(error: &std::io::Error, doing: &str, path: &str) -> TargetError {
    match Errno::from_io_error(error) {
        Some(errno) => fault(errno, doing, path),
        None => TargetError::Failed(format!("cannot {doing} {path}: {}", error.kind())),
    }
}
