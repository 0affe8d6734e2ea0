//! Mutual exclusion between the processes that share a directory, and within
//! one.
//!
//! A `flock` belongs to the open file description: two threads that open the file
//! exclude each other as two processes do, and a crash releases the lock.

use std::os::fd::OwnedFd;
use std::time::Duration;

use bursar_regions::TargetError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::fault::fault;

/// A lock, held until dropped.
pub(super) struct DirectoryLock(#[expect(dead_code, reason = "closing it releases the lock")] OwnedFd);

impl DirectoryLock {
    /// Waits for the lock on an open file.
    ///
    /// # Errors
    ///
    /// [`TargetError::Conflict`] on timeout.
    pub(super) fn acquire(file: OwnedFd, shown: &str) -> Result<Self, TargetError> {
        for _ in 0..TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(PAUSE),
                Err(errno) => return Err(fault(errno, "lock", shown)),
            }
        }
        Err(TargetError::Conflict(format!("another process has been holding {shown} for 10 s")))
    }
}

const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(5);
