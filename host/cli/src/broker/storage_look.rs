//! Whether a write would succeed now, found out by a write.

use std::time::{Duration, Instant};

use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::{Batch, Expect, Store as _, StoreError};
use bursar_store::Ledger;
use tokio::sync::Mutex;

use super::chain;

/// The last look, which all that ask within a moment share: anybody may ask, and
/// asking is no way to keep the disk busy.
#[derive(Default)]
pub(super) struct StorageLook {
    last: Mutex<Option<Look>>,
}

struct Look {
    at: Instant,
    found: Result<(), &'static str>,
}

impl StorageLook {
    /// Writes a row over, through all that a write goes through, and leaves
    /// nothing in the audit trail.
    ///
    /// # Errors
    ///
    /// What kind of thing is wrong: no path, no address.
    pub(super) async fn look(&self, ledger: &Ledger) -> Result<(), &'static str> {
        // Those who come meanwhile wait here for the same answer.
        let mut last = self.last.lock().await;
        match &*last {
            Some(look) if look.at.elapsed() < SHARED_FOR => look.found,
            _ => {
                let found = if let Ok(written) = tokio::time::timeout(PATIENCE, write(ledger)).await {
                    written.map_err(|error| {
                        tracing::warn!(error = chain(&error), "not ready: the store cannot be written");
                        reason(&chain(&error))
                    })
                } else {
                    tracing::warn!("not ready: a write of one row takes more than {} s", PATIENCE.as_secs());
                    Err(ledger.outage().map_or("storage does not answer", |said| reason(&said)))
                };
                *last = Some(Look { at: Instant::now(), found });
                found
            }
        }
    }
}

async fn write(store: &Ledger) -> Result<(), StoreError> {
    let row = Key::table(Table::Readiness).bytes();
    // Sealed anew each time, so these are never the bytes that were there.
    match store.commit(Batch::default().put(row, Expect::Any, vec![0; ROW_BYTES])).await {
        // Another node of the same database was at it, and wrote.
        Ok(_) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the engines say has paths, addresses and names in it; what kind of thing it
/// is can be told to anybody.
fn reason(said: &str) -> &'static str {
    let said = said.to_lowercase();
    let known = REASONS.iter().find(|(words, _)| words.iter().any(|words| said.contains(words)));
    known.map_or("storage cannot be written", |(_, reason)| reason)
}

/// By words that they hold, in lower case: the system's, redb's, `PostgreSQL`'s.
const REASONS: &[(&[&str], &str)] = &[
    (&["no space left", "storage full", "quota exceeded"], "storage cannot be written: its disk is full"),
    (&["read-only"], "storage cannot be written: it is read-only"),
    (&["rotated by another node"], "storage cannot be written: the root key in force is missing here"),
    (&["connection refused"], "storage is away: the database refuses the connection"),
    (&["too many clients", "remaining connection slots"], "storage is away: the database has no connection left"),
    (&["starting up", "shutting down", "recovery mode"], "storage is away: the database is starting or stopping"),
    (&["authentication failed", "does not exist"], "storage is away: the database does not let the broker in"),
    (&["max_connections allows are in use"], "storage is busy: all of storage.max_connections are in use"),
    (&["does not answer", "did not answer", "timed out"], "storage does not answer"),
    (&["audit chain"], "storage was altered: this node's audit chain is less than it was; see the log"),
];

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
        assert_eq!(reason("no connection: error: 10.0.0.5: Connection refused (os error 111)"), REASONS[3].1);
        assert_eq!(reason("role \"bursar\" at 10.0.0.5 is odd"), "storage cannot be written");
    }
}
