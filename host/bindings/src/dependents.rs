//! What bindings hang on a credential: who is bound to it, and what is in the way
//! of its deletion (S2-08, D-4).

use async_trait::async_trait;
use bursar_credentials::{Credential, Dependents, Extras, Hold, Removal, keys as credential_keys};
use bursar_kernel::audit::Event;
use bursar_kernel::keys::Table;
use bursar_kernel::store::{Batch, Expect, Record};
use bursar_kernel::{Account, Caller, Conflict, Consumer, Error, Kind, Ports, codec};
use serde_json::json;

use crate::{Binding, ConsumerSlot, keys};

/// Bindings as an area that hangs something on credentials.
pub struct BindingDependents {
    ports: Ports,
}

/// What a credential was bound to when that was looked for.
struct Bound {
    /// The bindings themselves.
    bindings: Vec<(Record, Binding)>,
    /// Their entries under the credential.
    entries: Vec<Vec<u8>>,
    /// Every new binding changes this record, so that whoever requires it is not
    /// overtaken by one.
    mark: (Vec<u8>, Expect),
}

impl BindingDependents {
    /// Bindings in this store. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The bindings to a credential.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn bindings_to(&self, credential: &Credential) -> Result<Vec<Binding>, Error> {
        Ok(self.bound_to(credential).await?.bindings.into_iter().map(|(_, binding)| binding).collect())
    }

    async fn bound_to(&self, credential: &Credential) -> Result<Bound, Error> {
        let store = self.ports.store();
        let prefix = credential_keys::for_credential(credential, Table::BindingOf);
        let mark = store.get(&prefix).await?;
        let expect = mark.map_or(Expect::Absent, |mark| Expect::At(mark.revision));
        let (mut bindings, mut entries) = (Vec::new(), Vec::new());
        for entry in store.scan(&prefix, &prefix, usize::MAX).await? {
            let place: ConsumerSlot = codec::decode(&entry)?;
            entries.push(entry.key);
            let record = store.get(&keys::binding(self.ports.blind(), credential.account, &place)).await?;
            let Some(record) = record else { continue };
            let binding: Binding = codec::decode(&record)?;
            // Bound to another one since the entry was found.
            if binding.credential == credential.id {
                bindings.push((record, binding));
            }
        }
        Ok(Bound { bindings, entries, mark: (prefix, expect) })
    }

    /// How many consumers are bound to a credential, counted up to a thousand
    /// bindings.
    async fn count_consumers(&self, credential: &Credential) -> Result<usize, Error> {
        let prefix = credential_keys::for_credential(credential, Table::BindingOf);
        let entries = self.ports.store().scan(&prefix, &prefix, MAX_COUNTED).await?;
        // A consumer's entries stand together: the first half of their digests is its.
        let consumer = |entry: &Record| keys::place_of(&entry.key).map(|digests| digests[..32].to_vec());
        let mut consumers: Vec<_> = entries.iter().filter_map(consumer).collect();
        consumers.dedup();
        Ok(consumers.len())
    }
}

#[async_trait]
impl Dependents for BindingDependents {
    async fn is_used_by(&self, credential: &Credential, consumers: &[Consumer]) -> Result<bool, Error> {
        for consumer in consumers {
            let blind = self.ports.blind();
            let prefix = keys::bindings_between(blind, credential.account, credential.id, consumer);
            if !self.ports.store().scan(&prefix, &[], 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn describe(
        &self,
        _: &Caller,
        _: &Account,
        credentials: &[&Credential],
        extras: &mut [Extras],
        new: bool,
    ) -> Result<(), Error> {
        if !new {
            for (credential, extras) in credentials.iter().zip(extras) {
                extras.consumers = self.count_consumers(credential).await?;
            }
        }
        Ok(())
    }

    async fn hold(&self, credential: &Credential) -> Result<Box<dyn Hold>, Error> {
        Ok(Box::new(self.bound_to(credential).await?))
    }
}

impl Hold for Bound {
    fn permits(&self, credential: &Credential, _: Removal) -> Result<(), Error> {
        if self.bindings.is_empty() {
            return Ok(());
        }
        let conflict = |(_, binding): &(Record, Binding)| Conflict {
            kind: "binding".to_owned(),
            id: format!("{}/{}", binding.place.consumer, binding.place.slot),
            name: format!("{} ({})", binding.place.consumer, binding.place.slot),
            url: binding.url(),
        };
        let conflicts = self.bindings.iter().take(MAX_LISTED).map(conflict).collect();
        let places = match self.bindings.len() {
            1 => "1 place".to_owned(),
            count => format!("{count} places"),
        };
        let message = format!(
            "{} is bound in {places}, where nobody can authenticate without it: bind them to another one first, or delete \
             by force",
            credential.name
        );
        Err(Error { conflicts, ..Error::new(Kind::Conflict, message) })
    }

    fn unchanged(&self, batch: Batch) -> Batch {
        let (key, expect) = self.mark.clone();
        batch.require(key, expect)
    }

    fn note(&self, event: &mut Event) {
        if let (count @ 1.., Some(detail)) = (self.bindings.len(), &mut event.detail) {
            detail["bindings"] = json!(count);
        }
    }

    fn destroy(&mut self, mut batch: Batch, _: &mut Event) -> Result<Batch, Error> {
        for (record, _) in self.bindings.drain(..) {
            batch = batch.delete(record.key, Expect::At(record.revision));
        }
        for entry in self.entries.drain(..) {
            batch = batch.delete(entry, Expect::Any);
        }
        Ok(batch)
    }

    fn conclude(&self, batch: Batch) -> Batch {
        match self.mark.clone() {
            (key, Expect::Absent) => batch.require(key, Expect::Absent),
            (key, expect) => batch.delete(key, expect),
        }
    }
}

const MAX_COUNTED: usize = 1_000;
const MAX_LISTED: usize = 100;
