//! Rotation of the root key: rewraps every key in one commit.

use bursar_kernel::audit::Event;
use bursar_kernel::store::StoreError;

use crate::chain::{Appender, RowChange};
use crate::engine::Write;
use crate::high_water_mark::own_head;
use crate::ledger::Core;
use crate::root::{RootKey, RootRecord};
use crate::seal::cipher;
use crate::tables;

/// Rewraps the keyring under `root`, switches to it and moves its file into place.
/// Returns the number of rewrapped keys.
///
/// # Errors
///
/// The old root key stays in use.
pub(crate) async fn rewrap(core: &Core, root: &RootKey, record: &RootRecord, event: &Event) -> Result<u64, StoreError> {
    let mut tx = core.engine.begin().await?;
    tx.allow_long_statements();
    // The root record first: nodes that create an account key wait for this lock.
    let locked = tx.lock(&[tables::root(), tables::head(core.node)]).await?;
    if locked.first() != Some(&Some(core.keyring.root_revision())) {
        return Err(StoreError::Unavailable("another node rotated the root key at the same time: try again".into()));
    }
    let rows = tx.scan(&[tables::KEYRING], &[], usize::MAX).await?;
    let keys: Vec<Vec<u8>> = rows.iter().map(|row| row.key.clone()).collect();
    tx.lock(&keys).await?;
    let head = own_head(core, &mut *tx).await?;
    let [revision] = tx.revisions(1).await?[..] else {
        return Err(StoreError::Unavailable("the engine returned no revision".into()));
    };

    let wrapping = cipher(&root.wrapping_key());
    let record = serde_json::to_vec(record).map_err(|error| StoreError::Unavailable(error.into()))?;
    let mut writes = vec![Write { key: tables::root(), content: Some((revision, record)) }];
    for row in &rows {
        writes.push(core.keyring.rewrap(row, &wrapping, revision)?);
    }
    let mut chain = Appender::new(&core.keyring, head, core.clock.now());
    let parts = writes.chunks(CHANGES_PER_RECORD);
    let events = parts.len() as u64;
    for part in parts {
        chain.append(revision, event, part.iter().map(RowChange::of).collect());
    }
    let (chain_rows, new_head) = chain.finish();
    writes.extend(chain_rows);
    tx.apply(writes).await?;
    tx.commit().await?;
    core.high_water_mark.committed(&new_head);

    core.keyring.set_root(wrapping, revision);
    core.counters.add(1, 1, 0, events);
    if let Err(error) = root.finish() {
        // The next start renames it.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the new root key file could not be renamed: the next start does it"
        );
    }
    Ok(rows.len() as u64)
}

/// Bounds the size of an audit record when a large installation rotates.
const CHANGES_PER_RECORD: usize = 1000;
