//! Clearing what has had its time.

use jiff::SignedDuration;

use super::idempotency::Kept;
use super::{Broker, codec};
use crate::Error;
use crate::audit::Action;
use crate::keys::{Key, Table};
use crate::store::{Batch, Expect, Record};

impl Broker {
    /// Forgets idempotency keys older than a day, and ways of use that nobody
    /// used for ninety. Answers how many.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let horizon = self.now() - KEEP_IDEMPOTENCY_KEYS;
        let is_old = |record: &Record| Ok(codec::decode::<Kept>(record)?.at < horizon);
        let keys = self.sweep_table(&Key::table(Table::Idempotency).bytes(), &is_old).await?;
        Ok(keys + self.forget_uses().await?)
    }

    /// Removes what is old among the records under `prefix`. Answers how many.
    pub(super) async fn sweep_table(
        &self,
        prefix: &[u8],
        is_old: &(dyn Fn(&Record) -> Result<bool, Error> + Sync),
    ) -> Result<usize, Error> {
        let (mut after, mut swept) = (Vec::new(), 0);
        loop {
            let records = self.store().scan(prefix, &after, CHUNK).await?;
            let Some(last) = records.last() else { return Ok(swept) };
            after = last.key.clone();
            let mut batch = Batch::default();
            for record in records {
                if is_old(&record)? {
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
