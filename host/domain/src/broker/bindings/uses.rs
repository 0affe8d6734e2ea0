//! When, how and for whom a credential was used.

use jiff::SignedDuration;

use super::super::{Broker, codec, keys_for};
use crate::Error;
use crate::access::{Caller, Right};
use crate::audit::Action;
use crate::binding::{Usage, Use, Way};
use crate::credential::Credential;
use crate::id::{CredentialId, Reference};
use crate::keys::{self, Key, Table};
use crate::store::{Batch, Expect};

impl Broker {
    /// Who depends on a credential, and who has used it.
    ///
    /// # Errors
    ///
    /// Not found, or the caller lacks the right.
    pub async fn usage(&self, caller: &Caller, account: &Reference, credential: &Reference) -> Result<Usage, Error> {
        let account = self.authorize(caller, account, Right::Read, Action::CredentialRead).await?;
        let credential = self.find(caller, &account, credential).await?.credential;
        let default = self.store().get(&keys::default_of(self.blind(), account.id, &credential.type_id)).await?;
        let is_default = default.as_ref().map(codec::decode::<CredentialId>).transpose()? == Some(credential.id)
            && credential.deleted_at.is_none();
        let mut bindings = self.bound_to(&credential).await?.into_bindings();
        bindings.sort_by(|one, other| {
            let key = |binding: &crate::binding::Binding| (binding.place.consumer.clone(), binding.place.slot.clone());
            key(one).cmp(&key(other))
        });
        let records = self.store().scan(&keys_for(&credential, Table::UsedBy), &[], usize::MAX).await?;
        let mut uses = records.iter().map(codec::decode::<Use>).collect::<Result<Vec<_>, _>>()?;
        uses.sort_by_key(|used| std::cmp::Reverse(used.last_used_at));
        Ok(Usage { bindings, uses, is_default })
    }

    /// Adds to what is committed anyway that a credential is used: at once when,
    /// and the way once a minute.
    pub(in super::super) async fn note_use(
        &self,
        batch: Batch,
        credential: &Credential,
        way: Way,
    ) -> Result<Batch, Error> {
        let now = self.now();
        let batch = batch.put(keys_for(credential, Table::Usage), Expect::Any, codec::encode(&now)?);
        let name = serde_json::to_string(&way).unwrap_or_default();
        let key = keys::used_by(self.blind(), credential.account, credential.id, &name);
        if let Some(record) = self.store().get(&key).await? {
            let before: Use = codec::decode(&record)?;
            if now.duration_since(before.last_used_at) < ONCE_IN {
                return Ok(batch);
            }
        }
        Ok(batch.put(key, Expect::Any, codec::encode(&Use { way, last_used_at: now })?))
    }

    /// Forgets ways that nothing was used in for long: tokens come and go.
    pub(in super::super) async fn forget_uses(&self) -> Result<usize, Error> {
        let horizon = self.now() - REMEMBERED_FOR;
        let is_old = |record: &crate::store::Record| Ok(codec::decode::<Use>(record)?.last_used_at < horizon);
        self.sweep_table(&Key::table(Table::UsedBy).bytes(), &is_old).await
    }
}

const ONCE_IN: SignedDuration = SignedDuration::from_mins(1);
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);
