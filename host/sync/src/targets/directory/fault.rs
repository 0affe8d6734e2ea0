//! What the system's errors mean to the people who run the broker.

use bursar_domain::region::TargetError;
use rustix::io::Errno;

/// Makes an error of one that came while `doing` something to `path`.
pub(super) fn fault(errno: Errno, doing: &str, path: &str) -> TargetError {
    match errno {
        Errno::NOSPC => TargetError::Unreachable(format!("cannot {doing} {path}: the disk is full; make room there")),
        Errno::DQUOT => TargetError::Unreachable(format!(
            "cannot {doing} {path}: the disk quota of the broker's user is used up; raise it, or make room"
        )),
        Errno::ACCESS | Errno::PERM => TargetError::Refused(format!(
            "cannot {doing} {path}: the broker's user may not; give it the directory, or change the region's `owner`"
        )),
        Errno::ROFS => TargetError::Refused(format!(
            "cannot {doing} {path}: its file system is mounted read-only; mount it read-write"
        )),
        Errno::NAMETOOLONG => TargetError::Invalid(format!("cannot {doing} {path}: the name is too long there")),
        Errno::XDEV => TargetError::Invalid(format!(
            "cannot {doing} {path}: another file system is mounted below the region's path; mount one for all of it"
        )),
        Errno::LOOP | Errno::NOTDIR | Errno::ISDIR => {
            TargetError::Foreign(format!("cannot {doing} {path}: something of another kind was put there"))
        }
        Errno::EXIST => TargetError::Foreign(format!("{path} came into being by other hands; move it away")),
        Errno::NOENT => TargetError::Conflict(format!("cannot {doing} {path}: it went away meanwhile")),
        Errno::IO | Errno::STALE | Errno::NODEV | Errno::NXIO | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::NOTCONN => {
            TargetError::Unreachable(format!("cannot {doing} {path}: the file system does not answer ({errno})"))
        }
        _ => TargetError::Failed(format!("cannot {doing} {path}: {errno}")),
    }
}

/// The same for an error of the standard library's.
pub(super) fn io_fault(error: &std::io::Error, doing: &str, path: &str) -> TargetError {
    match Errno::from_io_error(error) {
        Some(errno) => fault(errno, doing, path),
        None => TargetError::Failed(format!("cannot {doing} {path}: {}", error.kind())),
    }
}
