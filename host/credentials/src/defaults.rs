//! Who becomes the default of an account and type without being asked to, and
//! who stands in the way of its deletion (S0-24).
//!
//! The default is one record per account and type. It stays when its credential
//! is deleted softly, and holds the place for it until another one takes it: so
//! a restore brings the default back, unless there is another since.
//!
//! Nobody who falls back to the default gets another credential because somebody
//! stored one. So the first of its type takes the place, and later ones do not,
//! also where the default was deleted. Two commits at once cannot get around
//! that: whoever takes the place requires the default's record and the type's
//! mark as they were before it looked for others; whoever becomes live without
//! taking it requires the default it leaves the place to, or touches the mark.

use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::keys::{Table, of_credential};
use bursar_kernel::store::{Batch, Expect, Record};
use bursar_kernel::{Conflict, Error, Kind, Ports, codec};

use crate::{Credential, Use, keys};

/// The defaults of accounts. Cheap to clone.
#[derive(Clone)]
pub struct Defaults {
    pub(crate) ports: Ports,
}

/// Who has the place of the default of an account and type.
struct DefaultPlace {
    key: Vec<u8>,
    record: Option<Record>,
    /// Whom the record names, deleted or not.
    holder: Option<CredentialId>,
    /// Whether that one is live.
    is_live: bool,
}

impl DefaultPlace {
    fn expect(&self) -> Expect {
        self.record.as_ref().map_or(Expect::Absent, |record| Expect::At(record.revision))
    }
}

impl Defaults {
    /// Defaults in this store. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Adds to `batch` what becomes of the default with a new credential, and
    /// answers whether it becomes the default: where it is `asked` to (S0-25), or
    /// where it is the only live one of its type.
    pub(crate) async fn promote_new(
        &self,
        batch: Batch,
        new: &Credential,
        defaultable: bool,
        asked: bool,
    ) -> Result<(Batch, bool), Error> {
        let batch = self.enter_live(batch, new)?;
        if !defaultable {
            return Ok((batch, false));
        }
        let value = codec::encode(&new.id)?;
        if asked {
            return Ok((
                batch.put(keys::default_of(self.ports.blind(), new.account, &new.type_id), Expect::Any, value),
                true,
            ));
        }
        let place = self.default_place(new.account, &new.type_id).await?;
        let mark_key = keys::live_of_type_mark(self.ports.blind(), new.account, &new.type_id);
        let mark = self.ports.store().get(&mark_key).await?.map_or(Expect::Absent, |mark| Expect::At(mark.revision));
        if place.is_live || self.is_other_live(new.account, &new.type_id, new.id).await? {
            return Ok((self.leave_place(batch, &place, new)?, false));
        }
        let expect = place.expect();
        Ok((batch.require(mark_key, mark).put(place.key, expect, value), true))
    }

    /// The same with a credential that is restored: it becomes the default where
    /// it was that when it was deleted, and no other one since.
    pub(crate) async fn promote_restored(&self, batch: Batch, restored: &Credential) -> Result<(Batch, bool), Error> {
        let batch = self.enter_live(batch, restored)?;
        let place = self.default_place(restored.account, &restored.type_id).await?;
        if place.holder != Some(restored.id) {
            return Ok((self.leave_place(batch, &place, restored)?, false));
        }
        let expect = place.expect();
        Ok((batch.put(place.key, expect, codec::encode(&restored.id)?), true))
    }

    /// Adds to `batch` that a credential becomes live beside the default.
    fn leave_place(&self, batch: Batch, place: &DefaultPlace, live: &Credential) -> Result<Batch, Error> {
        if place.is_live {
            return Ok(batch.require(place.key.clone(), place.expect()));
        }
        let mark = keys::live_of_type_mark(self.ports.blind(), live.account, &live.type_id);
        Ok(batch.put(mark, Expect::Any, codec::encode(&live.id)?))
    }

    /// Adds to `batch` that a credential, where it has the place, holds it no
    /// longer as a live one, or leaves it.
    pub(crate) async fn vacate(&self, batch: Batch, credential: &Credential, for_good: bool) -> Result<Batch, Error> {
        let place = self.default_place(credential.account, &credential.type_id).await?;
        let expect = place.expect();
        Ok(match place.record {
            Some(_) if place.holder != Some(credential.id) => batch,
            Some(_) if for_good => batch.delete(place.key, expect),
            // Written again, so that nobody relies on it who has seen it live.
            Some(record) => batch.put(place.key, expect, record.value),
            None => batch,
        })
    }

    async fn default_place(&self, account: AccountId, type_id: &str) -> Result<DefaultPlace, Error> {
        let key = keys::default_of(self.ports.blind(), account, type_id);
        let record = self.ports.store().get(&key).await?;
        let holder = record.as_ref().map(codec::decode::<CredentialId>).transpose()?;
        let is_live = match holder {
            Some(id) => self.is_live(account, id).await?,
            None => false,
        };
        Ok(DefaultPlace { key, record, holder, is_live })
    }

    /// Refuses the deletion of a default that consumers fall back to, or that
    /// could be replaced by another one first.
    pub(crate) async fn permits_deletion(&self, credential: &Credential) -> Result<Result<(), Error>, Error> {
        if credential.deleted_at.is_some() {
            return Ok(Ok(()));
        }
        let place = self.default_place(credential.account, &credential.type_id).await?;
        if place.holder != Some(credential.id) {
            return Ok(Ok(()));
        }
        // Of a type that is not loaded it cannot be said.
        let falls_back = self
            .ports
            .plugins()
            .find(&credential.type_id)
            .is_none_or(|of| of.manifest.slots.iter().any(|slot| slot.default_fallback));
        if !falls_back {
            return Ok(Ok(()));
        }
        let consumers = self.fallen_back(credential).await?;
        if consumers.is_empty() && !self.is_other_live(credential.account, &credential.type_id, credential.id).await? {
            return Ok(Ok(()));
        }
        let url = format!("/v1/accounts/{}/credentials/{}/usage", credential.account, credential.id);
        let conflict = |id: &str, name: &str| Conflict {
            kind: "default".to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
            url: url.clone(),
        };
        let mut conflicts: Vec<_> =
            consumers.iter().take(MAX_TOLD).map(|consumer| conflict(consumer, consumer)).collect();
        if conflicts.is_empty() {
            conflicts.push(conflict(&credential.type_id, "whoever has chosen nothing"));
        }
        let who = match consumers.len() {
            0 => "whoever has chosen nothing falls back to it".to_owned(),
            1 => "1 consumer has fallen back to it".to_owned(),
            count => format!("{count} consumers have fallen back to it"),
        };
        let message = format!(
            "{} is the default of its type, and {who}: make another one the default first, or delete by force, which \
             leaves the type without a default",
            credential.name
        );
        Ok(Err(Error { conflicts, ..Error::new(Kind::Conflict, message) }))
    }

    /// The consumers that used a credential because they had chosen nothing.
    async fn fallen_back(&self, credential: &Credential) -> Result<Vec<String>, Error> {
        let prefix = of_credential(Table::UsedBy, credential.account, credential.id);
        let mut consumers = Vec::new();
        for record in self.ports.store().scan(&prefix, &[], usize::MAX).await? {
            let used: Use = codec::decode(&record)?;
            if used.way.fallback {
                consumers.extend(used.way.consumer.map(|consumer| consumer.to_string()));
            }
        }
        consumers.sort();
        consumers.dedup();
        Ok(consumers)
    }
}

const MAX_TOLD: usize = 100;
