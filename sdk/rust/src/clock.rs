//! The time, in calls of the network plane.

use crate::{Error, host};

/// Seconds since 1970-01-01T00:00:00Z.
///
/// # Errors
///
/// [`Error::Unsupported`] in the pure plane.
pub fn now() -> Result<i64, Error> {
    host::now()
}
