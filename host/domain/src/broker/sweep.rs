//! Clearing what has had its time.

use jiff::SignedDuration;

use super::idempotency::Kept;
use super::{Broker, codec};
use crate::Error;
use crate::audit::Action;
use crate::keys::{Key, Table};
use crate::store::{Batch, Expect};

impl Broker {
    /// Forgets idempotency keys older than a day. Answers how many.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let horizon = self.now() - KEEP_IDEMPOTENCY_KEYS;
        let prefix = Key::table(Table::Idempotency).bytes();
        let (mut after, mut swept) = (Vec::new(), 0);
        loop {
            let records = self.store().scan(&prefix, &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(swept) };
            after = last.key.clone();
            let mut batch = Batch::default();
            for record in records {
                if codec::decode::<Kept>(&record)?.at < horizon {
                    batch = batch.delete(record.key, Expect::At(record.revision));
                }
            }
            if !batch.changes.is_empty() {
                swept += batch.changes.len();
                self.store().commit(batch.event(self.system_event(Action::Housekeeping))).await?;
            }
        }
    }
}

const KEEP_IDEMPOTENCY_KEYS: SignedDuration = SignedDuration::from_hours(24);
const CHUNK: usize = 500;
