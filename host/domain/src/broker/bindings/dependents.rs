//! Who depends on a credential: what is in the way of its deletion (S2-08, D-4).

use super::super::{Broker, codec, keys_for};
use crate::binding::{Binding, Place};
use crate::credential::Credential;
use crate::keys::{self, Table};
use crate::store::{Batch, Expect, Record};
use crate::{Conflict, Error, Kind};

/// What a credential was bound to when that was looked for.
pub(in super::super) struct Bound {
    /// The bindings themselves.
    bindings: Vec<(Record, Binding)>,
    /// Their entries under the credential.
    entries: Vec<Vec<u8>>,
    /// Every new binding changes this record, so that whoever requires it is not
    /// overtaken by one.
    mark: (Vec<u8>, Expect),
}

impl Broker {
    /// What a credential is bound to.
    pub(in super::super) async fn bound_to(&self, credential: &Credential) -> Result<Bound, Error> {
        let prefix = keys_for(credential, Table::BindingOf);
        let mark = self.store().get(&prefix).await?;
        let expect = mark.map_or(Expect::Absent, |mark| Expect::At(mark.revision));
        let (mut bindings, mut entries) = (Vec::new(), Vec::new());
        for entry in self.store().scan(&prefix, &prefix, usize::MAX).await? {
            let place: Place = codec::decode(&entry)?;
            entries.push(entry.key);
            let record = self.store().get(&keys::binding(self.blind(), credential.account, &place)).await?;
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
    pub(in super::super) async fn count_consumers(&self, credential: &Credential) -> Result<usize, Error> {
        let prefix = keys_for(credential, Table::BindingOf);
        let entries = self.store().scan(&prefix, &prefix, MAX_COUNTED).await?;
        // A consumer's entries stand together: the first half of their digests is its.
        let consumer = |entry: &Record| keys::place_of(&entry.key).map(|digests| digests[..32].to_vec());
        let mut consumers: Vec<_> = entries.iter().filter_map(consumer).collect();
        consumers.dedup();
        Ok(consumers.len())
    }
}

impl Bound {
    /// How many bindings.
    pub(in super::super) fn count(&self) -> usize {
        self.bindings.len()
    }

    /// The bindings alone.
    pub(super) fn into_bindings(self) -> Vec<Binding> {
        self.bindings.into_iter().map(|(_, binding)| binding).collect()
    }

    /// Refuses where there is any.
    pub(in super::super) fn in_the_way(&self, credential: &Credential) -> Result<(), Error> {
        if self.bindings.is_empty() {
            return Ok(());
        }
        let conflict = |(_, binding): &(Record, Binding)| Conflict {
            kind: "binding".to_owned(),
            id: format!("{}/{}", binding.place.consumer, binding.place.slot),
            name: format!("{} ({})", binding.place.consumer, binding.place.slot),
            url: binding.url(),
        };
        let conflicts = self.bindings.iter().take(MAX_TOLD).map(conflict).collect();
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

    /// Adds to `batch` that nothing was bound since.
    pub(in super::super) fn unchanged(self, batch: Batch) -> Batch {
        let (key, expect) = self.mark;
        batch.require(key, expect)
    }

    /// Adds to `batch` that all bindings go, and that there are no others.
    pub(in super::super) fn unbind(self, mut batch: Batch) -> Batch {
        let at = batch.changes.len();
        for (record, _) in self.bindings {
            batch = batch.delete(record.key, Expect::At(record.revision));
        }
        for entry in self.entries {
            batch = batch.delete(entry, Expect::Any);
        }
        // What a credential has goes before itself, should there be too much for
        // one commit.
        let added = batch.changes.len() - at;
        batch.changes.rotate_right(added);
        match self.mark {
            (_, Expect::Absent) => batch.require(self.mark.0, Expect::Absent),
            (key, expect) => batch.delete(key, expect),
        }
    }
}

const MAX_COUNTED: usize = 1_000;
const MAX_TOLD: usize = 100;
