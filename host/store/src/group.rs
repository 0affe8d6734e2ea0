//! One durable commit of a group of batches: lock, check, seal, record, write.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bursar_kernel::audit::{Action, Event};
use bursar_kernel::keys::{SealScope, scope};
use bursar_kernel::store::{Batch, Expect, Revision, StoreError};
use uuid::Uuid;

use crate::MAX_CHANGES;
use crate::chain::{Appender, Head, RowChange};
use crate::engine::{EngineError, Transaction, Write};
use crate::high_water_mark::own_head;
use crate::keyring::{AccountKey, unsealable};
use crate::ledger::Core;
use crate::outcome;
use crate::seal::{cipher, random_key, seal};
use crate::tables;

/// The outcome of a group's commit.
pub(crate) struct Committed {
    /// In the order of the batches.
    pub(crate) answers: Vec<Result<Revision, StoreError>>,
    /// The new head of the chain.
    pub(crate) head: Head,
}

/// Why a whole group failed.
pub(crate) enum Failure {
    Engine(EngineError),
    /// The chain is broken, or the root key is missing.
    Store(StoreError),
}

impl Failure {
    /// The cause, for the log.
    pub(crate) fn source(&self) -> &(dyn std::error::Error + 'static) {
        match self {
            Self::Engine(error) => &*error.source,
            Self::Store(error) => error,
        }
    }

    /// The error for one of many batches that failed together.
    pub(crate) fn share(shared: &Arc<Self>) -> StoreError {
        match &**shared {
            Self::Store(StoreError::Unsealable { key_hex }) => StoreError::Unsealable { key_hex: key_hex.clone() },
            Self::Store(StoreError::Unavailable(why)) => StoreError::Unavailable(why.to_string().into()),
            Self::Engine(_) | Self::Store(_) => StoreError::Unavailable(shared.source().to_string().into()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Engine(error) => error.into(),
            Failure::Store(error) => error,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Commits, durably, those of `batches` whose preconditions hold. `known_head` is the
/// chain's head after the last commit, if known.
///
/// # Errors
///
/// Nothing was committed then.
pub(crate) async fn commit(core: &Core, known_head: Option<&Head>, batches: &[Batch]) -> Result<Committed, Failure> {
    let mut tx = core.engine.begin().await?;
    let current = lock(&mut *tx, core.node, batches).await?;
    let head = head(core, &mut *tx, known_head).await?;
    let revisions = tx.revisions(batches.len()).await?;
    if revisions.first().is_some_and(|first| *first <= head.revision) {
        return Err(Failure::Store(StoreError::Unavailable(
            "the revision counter went back: the store was altered; restore a backup".into(),
        )));
    }

    let chain = Appender::new(&core.keyring, head.clone(), core.clock.now());
    let mut group = Group { core, tx, current, accounts: HashMap::new(), writes: BTreeMap::new(), chain, events: 0 };
    let mut answers = Vec::with_capacity(batches.len());
    for (batch, revision) in batches.iter().zip(revisions) {
        answers.push(match group.batch(batch, revision).await {
            Ok(()) => Ok(revision),
            Err(Failure::Store(error)) => Err(error),
            Err(failure @ Failure::Engine(_)) => return Err(failure),
        });
    }

    let Group { mut tx, accounts, writes, chain, events, .. } = group;
    let (chain_writes, new_head) = chain.finish();
    let writes = writes.into_iter().map(|(key, content)| Write { key, content });
    let writes: Vec<Write> = writes.chain(chain_writes).collect();
    let durable = answers.iter().any(Result::is_ok);
    if durable {
        tx.apply(writes).await?;
        if let Err(error) = tx.commit().await {
            resolve_uncertain(core, error, &head, &new_head).await?;
        }
        core.high_water_mark.committed(&new_head);
    }
    for (account, key) in accounts {
        core.keyring.remember(account, key);
    }
    let conflicts = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Conflict))).count() as u64;
    let batches = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
    core.counters.add(u64::from(durable), batches, conflicts, events);
    Ok(Committed { answers, head: new_head })
}

/// Finds out whether a commit that failed with `error` happened nevertheless.
///
/// # Errors
///
/// A retryable error if it did not happen; `error` if that is unknown.
async fn resolve_uncertain(core: &Core, error: EngineError, before: &Head, after: &Head) -> Result<(), EngineError> {
    // A commit without an audit record leaves no trace to look for.
    if !error.uncertain || before == after {
        return Err(error);
    }
    match outcome::was_committed(core, after).await {
        Some(true) => Ok(()),
        Some(false) => Err(EngineError { retryable: true, uncertain: false, ..error }),
        None => Err(error),
    }
}

/// Locks every row that the batches write, and takes shared locks on those that they
/// only depend on. All commits of an account depend on the same rows: with shared locks
/// a node that is suspended in a commit does not block the others.
async fn lock(
    tx: &mut dyn Transaction,
    node: Uuid,
    batches: &[Batch],
) -> Result<HashMap<Vec<u8>, Option<Revision>>, EngineError> {
    let (mut written, mut shared) = (BTreeSet::from([tables::head(node)]), BTreeSet::new());
    for batch in batches {
        shared.extend(batch.requirements.iter().map(|(key, _)| key.clone()));
        for change in &batch.changes {
            written.insert(change.key.clone());
            for companion in tables::companions(&change.key) {
                // An account's key changes only with the account's own record.
                let is_read =
                    tables::account_of_key_row(&companion).is_some() && tables::account_record(&change.key).is_none();
                if is_read {
                    shared.insert(companion)
                } else {
                    written.insert(companion)
                };
            }
        }
    }
    let shared: Vec<Vec<u8>> = shared.difference(&written).cloned().collect();
    let written: Vec<Vec<u8>> = written.into_iter().collect();
    let mut revisions = if shared.is_empty() { Vec::new() } else { tx.lock_shared(&shared).await? };
    revisions.extend(tx.lock(&written).await?);
    Ok(shared.into_iter().chain(written).zip(revisions).collect())
}

/// The chain's head, after checking that it names the newest record: a commit must not
/// cover up that records were removed.
async fn head(core: &Core, tx: &mut dyn Transaction, known: Option<&Head>) -> Result<Head, Failure> {
    let key = tables::head(core.node);
    let head = own_head(core, tx).await?;
    if known != Some(&head) {
        let newest = tx.scan(&tables::audit_of_node(core.node), &[], 1).await?;
        let seq = newest.first().and_then(|row| tables::seq_of(&row.key)).unwrap_or(0);
        if seq != head.seq {
            return Err(Failure::Store(unsealable(&key)));
        }
    }
    Ok(head)
}

/// A transaction under construction.
struct Group<'a> {
    core: &'a Core,
    tx: Box<dyn Transaction>,
    /// Revision of every locked row after the batches so far.
    current: HashMap<Vec<u8>, Option<Revision>>,
    /// Account keys used so far; `None` if deleted.
    accounts: HashMap<Uuid, Option<Arc<AccountKey>>>,
    writes: BTreeMap<Vec<u8>, Option<(Revision, Vec<u8>)>>,
    chain: Appender<'a>,
    events: u64,
}

impl Group<'_> {
    /// Adds a batch as a whole, or changes nothing.
    async fn batch(&mut self, batch: &Batch, revision: Revision) -> Result<(), Failure> {
        self.check(batch)?;
        let staged = self.stage(batch, revision).await;
        if staged.is_err() {
            // An account key created for a rejected batch must not serve the next one.
            let current = &self.current;
            let is_written = |account: &Uuid| current.get(&tables::account_key(*account)).copied().flatten();
            self.accounts
                .retain(|account, key| key.as_ref().is_none_or(|key| is_written(account) == Some(key.revision)));
        }
        let writes = staged?;
        let changes: Vec<RowChange> =
            writes.iter().filter(|write| tables::is_recorded(&write.key)).map(RowChange::of).collect();
        for Write { key, content } in writes {
            if let Some(account) = tables::account_of_key_row(&key)
                && content.is_none()
            {
                self.accounts.insert(account, None);
            }
            self.current.insert(key.clone(), content.as_ref().map(|(revision, _)| *revision));
            self.writes.insert(key, content);
        }
        self.record(batch, revision, changes);
        Ok(())
    }

    /// The sealed rows that `batch` writes.
    async fn stage(&mut self, batch: &Batch, revision: Revision) -> Result<Vec<Write>, Failure> {
        let mut writes = Vec::with_capacity(batch.changes.len());
        // Deletes first: a batch that deletes an account must not write with the
        // account's key.
        for change in batch.changes.iter().filter(|change| change.value.is_none()) {
            self.delete(&change.key, &mut writes);
        }
        let deleted = writes.iter().any(|write| write.key.starts_with(&[tables::KEYRING]));
        for change in &batch.changes {
            if let Some(value) = &change.value {
                if deleted && !matches!(scope(&change.key), Some(SealScope::Installation)) {
                    return Err(invalid_batch("a batch that deletes an account cannot write into it"));
                }
                self.put(&change.key, value, revision, &mut writes).await?;
            }
        }
        Ok(writes)
    }

    fn check(&self, batch: &Batch) -> Result<(), Failure> {
        let conditions = || {
            let required = batch.requirements.iter().map(|(key, expect)| (key.as_slice(), *expect));
            required.chain(batch.changes.iter().map(|change| (change.key.as_slice(), change.expect)))
        };
        if conditions().count() > MAX_CHANGES || batch.events.len() > MAX_CHANGES {
            return Err(invalid_batch("a batch has too many changes"));
        }
        let mut keys: Vec<&[u8]> = conditions().map(|(key, _)| key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(invalid_batch("a batch names a key twice"));
        }
        if keys.iter().any(|key| scope(key).is_none()) {
            return Err(invalid_batch("a batch names a key of no known table"));
        }
        let met = |(key, expect): (&[u8], Expect)| {
            let current = self.current.get(key).copied().flatten();
            match expect {
                Expect::Any => true,
                Expect::Absent => current.is_none(),
                Expect::At(revision) => current == Some(revision),
            }
        };
        if conditions().all(met) { Ok(()) } else { Err(Failure::Store(StoreError::Conflict)) }
    }

    /// Deletes a record and the keys that open it. Without a record the delete is only
    /// a precondition.
    fn delete(&self, key: &[u8], writes: &mut Vec<Write>) {
        if self.current.get(key).copied().flatten().is_none() {
            return;
        }
        let own_key = matches!(scope(key), Some(SealScope::OwnKey(_))).then(|| tables::data_key(key));
        let account = tables::account_record(key).map(tables::account_key);
        for key in [Some(key.to_vec()), own_key, account].into_iter().flatten() {
            if self.current.get(&key).copied().flatten().is_some() {
                writes.push(Write { key, content: None });
            }
        }
    }

    /// Seals `value` and adds the rows of new keys.
    async fn put(
        &mut self,
        key: &[u8],
        value: &[u8],
        revision: Revision,
        writes: &mut Vec<Write>,
    ) -> Result<(), Failure> {
        let sealed = match scope(key) {
            _ if !self.core.sealed => value.to_vec(),
            None => return Err(invalid_batch("a batch names a key of no known table")),
            Some(SealScope::Installation) => self.core.keyring.system.seal(revision, key, revision, value),
            Some(SealScope::Account(account)) => {
                let account = self.account(account, revision, writes).await?;
                account.scope.seal(revision, key, revision, value)
            }
            Some(SealScope::OwnKey(account)) => {
                let account = self.account(account, revision, writes).await?;
                let (row, data_key) = (tables::data_key(key), random_key());
                let wrapped = account.scope.seal(revision, &row, revision, data_key.as_slice());
                writes.push(Write { key: row, content: Some((revision, wrapped)) });
                seal(&cipher(&data_key), key, revision, value)
            }
        };
        writes.push(Write { key: key.to_vec(), content: Some((revision, sealed)) });
        Ok(())
    }

    /// The account's key; created on first use.
    async fn account(
        &mut self,
        account: Uuid,
        revision: Revision,
        writes: &mut Vec<Write>,
    ) -> Result<Arc<AccountKey>, Failure> {
        if let Some(Some(key)) = self.accounts.get(&account) {
            return Ok(Arc::clone(key));
        }
        let row = tables::account_key(account);
        let key = if let Some(stored) = self.current.get(&row).copied().flatten() {
            self.stored_account(account, &row, stored).await?
        } else {
            self.ensure_current_root_key().await?;
            let (key, sealed) = self.core.keyring.create_account(account, revision);
            writes.push(Write { key: row, content: Some((revision, sealed)) });
            key
        };
        self.accounts.insert(account, Some(Arc::clone(&key)));
        Ok(key)
    }

    async fn stored_account(
        &mut self,
        account: Uuid,
        row: &[u8],
        revision: Revision,
    ) -> Result<Arc<AccountKey>, Failure> {
        if let Some(key) = self.core.keyring.cached(account, revision) {
            return Ok(key);
        }
        let row = self.tx.get(row).await?.ok_or_else(|| unsealable(row))?;
        Ok(self.core.unwrap_account(account, &row).await?)
    }

    /// Another node may have rotated the root key: a key wrapped with the old one could
    /// not be opened again.
    async fn ensure_current_root_key(&mut self) -> Result<(), Failure> {
        let revision = self.tx.lock_shared(&[tables::root()]).await?;
        if revision != [Some(self.core.keyring.root_revision())] {
            self.core.follow_root().await?;
        }
        Ok(())
    }

    fn record(&mut self, batch: &Batch, revision: Revision, mut changes: Vec<RowChange>) {
        for event in &batch.events {
            // The changes belong to the first event.
            self.chain.append(revision, event, std::mem::take(&mut changes));
        }
        if batch.events.is_empty() && !changes.is_empty() {
            self.chain.append(revision, &housekeeping(self.core.clock.now()), changes);
            self.events += 1;
        }
        self.events += batch.events.len() as u64;
    }
}

/// The event for changes that came without one.
pub(crate) fn housekeeping(at: jiff::Timestamp) -> Event {
    Event::system(at, Action::Housekeeping)
}

fn invalid_batch(why: &'static str) -> Failure {
    Failure::Store(StoreError::Unavailable(why.into()))
}
