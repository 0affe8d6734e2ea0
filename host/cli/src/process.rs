//! What the process asks of the system before it serves.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

use crate::failure::Failure;

/// Leaves no secret in a core file, whatever the unit that starts it allows, and
/// keeps other processes of the same user from reading its memory.
///
/// # Errors
///
/// Where the system refuses, which it does for nobody who only gives up rights.
pub(crate) fn forbid_core_dumps() -> Result<(), Failure> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| Failure::io("turn core files off", error.into()))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| Failure::io("keep others from reading the process's memory", error.into()))
}

/// Lets as many files and connections be open as the hard limit allows: the soft
/// one is 1024 in most places, for the sake of programs that use `select`.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        tracing::info!(limit = told(limit.current), "open files");
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::info!(from = told(limit.current), to = told(limit.maximum), "open files: limit raised"),
        Err(error) => {
            tracing::warn!(limit = told(limit.current), %error, "the limit of open files could not be raised");
        }
    }
}

fn told(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
