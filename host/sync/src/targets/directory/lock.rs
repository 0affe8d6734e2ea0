//! One at a time, between the processes that share a directory and within one.
//!
//! `flock` belongs to the open file, so that two threads which open it exclude
//! each other as two processes do, and a crash gives it back.

use std::os::fd::OwnedFd;
use std::time::Duration;

use bursar_domain::region::TargetError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::fault::fault;

/// Held until dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "closing it gives the lock back")] OwnedFd);

impl Turn {
    /// Waits for the lock on an open file.
    ///
    /// # Errors
    ///
    /// [`TargetError::Conflict`] where it is held for long.
    pub(super) fn take(file: OwnedFd, shown: &str) -> Result<Self, TargetError> {
        for _ in 0..TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(PAUSE),
                Err(errno) => return Err(fault(errno, "lock", shown)),
            }
        }
        Err(TargetError::Conflict(format!("another process has been holding {shown} for long")))
    }
}

const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(5);
