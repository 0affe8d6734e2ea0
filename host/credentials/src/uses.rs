//! When, how and for whom a credential was used.

use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::{Batch, Expect, Record};
use bursar_kernel::{Error, Journal, Ports, codec};
use jiff::SignedDuration;

use crate::{Credential, Use, Way, keys};

/// Notes uses. Cheap to clone.
#[derive(Clone)]
pub struct Uses {
    ports: Ports,
}

impl Uses {
    /// Uses in this store. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Adds to what is committed anyway that a credential is used: the time on
    /// every use, the way once a minute.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn note(&self, batch: Batch, credential: &Credential, way: Way) -> Result<Batch, Error> {
        let now = self.ports.now();
        let batch = batch.put(keys::for_credential(credential, Table::Usage), Expect::Any, codec::encode(&now)?);
        let name = serde_json::to_string(&way).unwrap_or_default();
        let key = keys::used_by(self.ports.blind(), credential.account, credential.id, &name);
        if let Some(record) = self.ports.store().get(&key).await? {
            let before: Use = codec::decode(&record)?;
            if now.duration_since(before.last_used_at) < ONCE_IN {
                return Ok(batch);
            }
        }
        Ok(batch.put(key, Expect::Any, codec::encode(&Use { way, last_used_at: now })?))
    }

    /// The last uses of a credential, the latest first.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn of(&self, credential: &Credential) -> Result<Vec<Use>, Error> {
        let prefix = keys::for_credential(credential, Table::UsedBy);
        let records = self.ports.store().scan(&prefix, &[], usize::MAX).await?;
        let mut uses = records.iter().map(codec::decode::<Use>).collect::<Result<Vec<_>, _>>()?;
        uses.sort_by_key(|used| std::cmp::Reverse(used.last_used_at));
        Ok(uses)
    }

    /// Deletes ways that nothing was used in for ninety days: tokens come and go.
    /// Returns how many.
    ///
    /// # Errors
    ///
    /// Where storage fails; nothing is lost by trying again later.
    pub async fn sweep(&self, journal: &Journal) -> Result<usize, Error> {
        let horizon = self.ports.now() - REMEMBERED_FOR;
        let is_old = |record: &Record| Ok(codec::decode::<Use>(record)?.last_used_at < horizon);
        journal.sweep(&Key::table(Table::UsedBy).bytes(), &is_old).await
    }
}

const ONCE_IN: SignedDuration = SignedDuration::from_mins(1);
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
