//! Process limits set before the broker serves.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

use crate::failure::Failure;

/// Disables core files, which would contain secrets, and keeps other processes of
/// the same user from reading the memory.
///
/// # Errors
///
/// If the system refuses, which it should never do for giving up rights.
pub(crate) fn forbid_core_dumps() -> Result<(), Failure> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| Failure::io("disable core files", error.into()))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| Failure::io("protect the process's memory from other processes", error.into()))
}

/// Raises the limit of open files and connections to the hard limit: the soft limit
/// is usually 1024, for programs that use `select`.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        tracing::info!(limit = limit_text(limit.current), "open files");
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            let (from, to) = (limit_text(limit.current), limit_text(limit.maximum));
            tracing::info!(from, to, "open files: limit raised");
        }
        Err(error) => {
            tracing::warn!(limit = limit_text(limit.current), %error, "cannot raise the limit of open files");
        }
    }
}

fn limit_text(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
