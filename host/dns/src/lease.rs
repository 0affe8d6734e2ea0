//! One change at a time for each record set: most providers have a name's
//! values written as a whole, so two that read, add and write at once would
//! lose one.
//!
//! Within this process callers stand in a queue. Across processes on one store
//! the first commits a lease with its intent and deletes it with its outcome;
//! one that is left behind by a crash ends by itself.

use std::pin::pin;
use std::time::Duration;

use async_lock::MutexGuardArc;
use bursar_credentials::{Credential, RESERVED};
use bursar_kernel::store::{Batch, Expect, Record, Revision, StoreError};
use bursar_kernel::{ATTEMPTS, Error, Fqdn, Kind, codec};
use futures::future::{Either, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Dns, keys};

/// The right to change a record set, as far as this process goes: until it is
/// dropped.
pub(crate) struct Turn {
    /// Of the lease.
    key: Vec<u8>,
    /// Tells our lease from others'.
    owner: Uuid,
    _place: MutexGuardArc<()>,
}

/// Who may change a record set, across processes.
#[derive(Serialize, Deserialize)]
struct Lease {
    owner: Uuid,
    #[serde(with = "bursar_kernel::clock::timestamp")]
    expires_at: Timestamp,
}

impl Dns {
    /// Waits in the queue of the set of records at `name` that credentials of
    /// this type in this account share.
    pub(crate) async fn turn(&self, credential: &Credential, name: &Fqdn, deadline: Timestamp) -> Result<Turn, Error> {
        let key = self.lease_key(credential, name);
        let place = pin!(self.record_sets.queue(&key).lock_arc());
        match select(place, self.kernel.ports.timer.sleep(self.left(deadline))).await {
            Either::Left((place, _)) => Ok(Turn { key, owner: self.kernel.ports.new_id(), _place: place }),
            Either::Right(_) => Err(busy()),
        }
    }

    /// The same, where nobody stands in the queue.
    pub(crate) fn turn_now(&self, credential: &Credential, name: &Fqdn) -> Option<Turn> {
        let key = self.lease_key(credential, name);
        let place = self.record_sets.queue(&key).try_lock_arc()?;
        Some(Turn { key, owner: self.kernel.ports.new_id(), _place: place })
    }

    /// Waits until no other process holds the set's lease. Answers what to
    /// expect of it when it is taken.
    pub(crate) async fn free_lease(&self, turn: &Turn, deadline: Timestamp) -> Result<Expect, Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(record) = self.kernel.ports.store().get(&turn.key).await? else { return Ok(Expect::Absent) };
            let until = codec::decode::<Lease>(&record)?.expires_at;
            if until <= self.kernel.ports.now() {
                return Ok(Expect::At(record.revision));
            }
            let wanted = (pause / 2 + self.kernel.ports.jittered(pause / 2)).min(self.left(until));
            if !self.kernel.ports.wait(wanted, deadline).await {
                return Err(busy());
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Commits what has no preconditions of its own, with the lease.
    pub(crate) async fn commit_reserved(
        &self,
        turn: &Turn,
        batch: Batch,
        deadline: Timestamp,
    ) -> Result<Revision, Error> {
        for _ in 0..ATTEMPTS {
            let expect = self.free_lease(turn, deadline).await?;
            match self.kernel.ports.store().commit(self.take_lease(turn, expect, batch.clone())?).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(busy())
    }

    /// Commits what has no preconditions of its own, and gives the lease back.
    pub(crate) async fn commit_and_release(&self, turn: &Turn, begun: Revision, batch: Batch) -> Result<(), Error> {
        let store = self.kernel.ports.store();
        match store.commit(turn.release(begun, batch.clone())).await {
            // The lease had ended and is another's.
            Err(StoreError::Conflict) => store.commit(batch).await.map(drop)?,
            done => done.map(drop)?,
        }
        Ok(())
    }

    /// Adds to `batch` that the lease is taken.
    pub(crate) fn take_lease(&self, turn: &Turn, expect: Expect, batch: Batch) -> Result<Batch, Error> {
        let lease = Lease { owner: turn.owner, expires_at: self.kernel.ports.now() + RESERVED };
        Ok(batch.put(turn.key.clone(), expect, codec::encode(&lease)?))
    }

    /// Adds to `batch` that the lease is given back, where it is still ours.
    pub(crate) async fn give_lease_back(&self, turn: &Turn, batch: Batch) -> Result<Batch, Error> {
        let Some(record) = self.kernel.ports.store().get(&turn.key).await? else { return Ok(batch) };
        let lease: Lease = codec::decode(&record)?;
        Ok(if lease.owner == turn.owner { batch.delete(record.key, Expect::At(record.revision)) } else { batch })
    }

    /// Adds to `batch` that leases which have ended go: crashes have left them.
    pub(crate) fn clear_leases(&self, records: Vec<Record>, mut batch: Batch) -> Result<Batch, Error> {
        for record in records {
            if codec::decode::<Lease>(&record)?.expires_at <= self.kernel.ports.now() {
                batch = batch.delete(record.key, Expect::At(record.revision));
            }
        }
        Ok(batch)
    }

    fn lease_key(&self, credential: &Credential, name: &Fqdn) -> Vec<u8> {
        keys::dns_lease(self.kernel.ports.blind(), credential.account, &credential.type_id, name.as_str())
    }

    fn left(&self, until: Timestamp) -> Duration {
        Duration::try_from(until.duration_since(self.kernel.ports.now())).unwrap_or_default()
    }
}

impl Turn {
    /// Adds to `batch` that the lease, taken at `revision`, is given back.
    pub(crate) fn release(&self, revision: Revision, batch: Batch) -> Batch {
        batch.delete(self.key.clone(), Expect::At(revision))
    }
}

fn busy() -> Error {
    let message = "another change of the records at this name is under way: try again";
    Error { retry_after_seconds: Some(BUSY_SECONDS), ..Error::new(Kind::Unavailable, message) }
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const BUSY_SECONDS: u32 = 10;
