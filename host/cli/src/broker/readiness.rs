//! Whether a write would succeed now, found out by a write.

use std::time::{Duration, Instant};

use bursar_domain::keys::{Key, Table};
use bursar_domain::store::{Batch, Error as StoreError, Expect, Store};
use bursar_domain::{Error, Kind};
use tokio::sync::Mutex;

use super::chain;

/// The last look, which all that ask within a moment share: anybody may ask, and
/// asking is no way to keep the disk busy.
#[derive(Default)]
pub(super) struct Readiness {
    last: Mutex<Option<Look>>,
}

struct Look {
    at: Instant,
    found: Result<(), &'static str>,
}

impl Readiness {
    /// Writes a row over, through all that a write goes through, and leaves
    /// nothing in the audit trail.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] with what kind of thing is wrong: no path, no address.
    pub(super) async fn look(&self, store: &dyn Store) -> Result<(), Error> {
        // Those who come meanwhile wait here for the same answer.
        let mut last = self.last.lock().await;
        let found = match &*last {
            Some(look) if look.at.elapsed() < SHARED_FOR => look.found,
            _ => {
                let found = if let Ok(written) = tokio::time::timeout(PATIENCE, write(store)).await {
                    written.map_err(|error| {
                        tracing::warn!(error = chain(&error), "not ready: the store cannot be written");
                        reason(&chain(&error))
                    })
                } else {
                    tracing::warn!("not ready: a write of one row takes more than {} s", PATIENCE.as_secs());
                    Err("storage does not answer")
                };
                *last = Some(Look { at: Instant::now(), found });
                found
            }
        };
        drop(last);
        found.map_err(|reason| Error::new(Kind::Unavailable, reason))
    }
}

async fn write(store: &dyn Store) -> Result<(), StoreError> {
    let row = Key::table(Table::Readiness).bytes();
    // Sealed anew each time, so these are never the bytes that were there.
    match store.commit(Batch::default().put(row, Expect::Any, vec![0; ROW_BYTES])).await {
        // Another node of the same database was at it, and wrote.
        Ok(_) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the engines say has paths and addresses in it; that it names a full disk
/// or a read-only database is the same in all of them.
fn reason(said: &str) -> &'static str {
    let said = said.to_lowercase();
    if ["no space left", "storage full", "quota exceeded"].iter().any(|words| said.contains(words)) {
        "storage cannot be written: its disk is full"
    } else if said.contains("read-only") {
        "storage cannot be written: it is read-only"
    } else {
        "storage cannot be written"
    }
}

/// About as much as a credential.
const ROW_BYTES: usize = 4_096;
const SHARED_FOR: Duration = Duration::from_secs(1);
/// Whoever asks has as little.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_no_place() {
        let full = "storage is not available: I/O error: No space left on device (os error 28): /var/lib/bursar";
        assert_eq!(reason(full), "storage cannot be written: its disk is full");
        let read_only = "db at 10.0.0.5: cannot execute UPDATE in a read-only transaction";
        assert_eq!(reason(read_only), "storage cannot be written: it is read-only");
        assert_eq!(reason("connection to 10.0.0.5 refused"), "storage cannot be written");
    }
}
