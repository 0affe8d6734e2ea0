//! Finding out whether a commit happened when its answer was lost.
//!
//! The head of this node's chain tells: every commit with a record moves it, and only
//! a new node's first commit does so besides. Locking its row waits until a commit
//! that is still running at the database has ended one way or the other.

use std::time::{Duration, Instant};

use crate::chain::{AuditRecord, Head};
use crate::committer::backoff;
use crate::engine::EngineError;
use crate::ledger::Core;
use crate::tables;

/// Whether the commit that would leave the chain at `head` happened; `None` where
/// nobody can say for now.
pub(crate) async fn was_committed(core: &Core, head: &Head) -> Option<bool> {
    let (mut tries, since) = (0, Instant::now());
    loop {
        match check(core, head).await {
            Ok(happened) => return Some(happened),
            Err(error) if since.elapsed() > MAX_WAIT => {
                tracing::warn!(error = &*error.source, "nobody knows what became of a commit");
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

/// Longer than a database takes to end a session that is gone, or, as a rule, to come
/// back from a crash of its own.
const MAX_WAIT: Duration = Duration::from_secs(4);
