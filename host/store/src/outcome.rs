//! Finds out whether a commit happened when its answer was lost.
//!
//! Every commit with an audit record moves the head of this node's chain; only a new
//! node's first commit moves it as well. Locking the head's row waits for a commit that
//! is still running in the database.

use std::time::{Duration, Instant};

use crate::chain::{AuditRecord, Head};
use crate::committer::backoff;
use crate::engine::EngineError;
use crate::ledger::Core;
use crate::tables;

/// Whether the commit that would leave the chain at `head` happened; `None` if that
/// cannot be found out now.
pub(crate) async fn was_committed(core: &Core, head: &Head) -> Option<bool> {
    let (mut tries, since) = (0, Instant::now());
    loop {
        match check(core, head).await {
            Ok(happened) => return Some(happened),
            Err(error) if since.elapsed() > MAX_WAIT => {
                tracing::warn!(
                    error = &*error.source,
                    "it is unknown whether a commit succeeded: the database does not answer"
                );
                return None;
            }
            Err(_) => {
                tries += 1;
                tokio::time::sleep(backoff(tries)).await;
            }
        }
    }
}

async fn check(core: &Core, head: &Head) -> Result<bool, EngineError> {
    let mut tx = core.engine.begin().await?;
    let key = tables::head(core.node);
    tx.lock(std::slice::from_ref(&key)).await?;
    let Some(now) = tx.get(&key).await?.and_then(|row| Head::open(&core.keyring, &row)) else { return Ok(false) };
    if now.seq <= head.seq {
        return Ok(now == *head);
    }
    let record = tx.get(&tables::audit(core.node, head.seq)).await?;
    let hash = record.and_then(|row| AuditRecord::open(&core.keyring, &row)).map(|(_, hash)| hash);
    Ok(hash == Some(head.hash))
}

/// Longer than a database takes to end a lost session or, usually, to recover from a
/// crash.
const MAX_WAIT: Duration = Duration::from_secs(4);
