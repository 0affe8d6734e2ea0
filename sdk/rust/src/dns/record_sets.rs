use super::probe::{self, Edit};
use super::{Handle, Zone, Zones, txt};
use crate::{Context, Error, Progress, Report, TxtRecord};

/// All TXT values of one name, as the provider holds them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Set {
    /// The values in the provider's notation. Those that are not ours are
    /// written back as they were read.
    pub values: Vec<String>,
    /// How long resolvers may cache them.
    pub ttl_seconds: u32,
    /// By what the provider recognises a stale write, such as an `ETag`.
    pub version: Option<String>,
}

/// The outcome of a write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Written {
    /// Accepted, with the id of a change to wait for, if there is one.
    Done(Option<String>),
    /// Someone else wrote since the read; the write is retried.
    Conflict,
}

/// A provider whose API writes all values of a name at once. Reads, merges and
/// writes without losing anyone else's value.
pub trait RecordSets: Zones {
    /// The provider's minimum time to live; smaller values are raised to it.
    const MIN_TTL_SECONDS: u32 = 1;

    /// The TXT values at `fqdn`; `None` if there are none.
    ///
    /// # Errors
    ///
    /// What [`Service::error`](crate::http::Service::error) makes of the answer.
    fn read(&self, zone: &Zone, fqdn: &str) -> Result<Option<Set>, Error>;

    /// Replaces `old`, which was just read, by `new`; without `new`, removes
    /// the name. The provider refuses a stale `old` if it can recognise it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). A stale `old` is [`Written::Conflict`], not an
    /// error.
    fn replace(&self, zone: &Zone, fqdn: &str, old: Option<&Set>, new: Option<&Set>) -> Result<Written, Error>;

    /// How far a change from [`Written::Done`] is.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn change(&self, zone: &Zone, change: &str) -> Result<Progress, Error> {
        let _ = (zone, change);
        Ok(Progress::Done)
    }

    /// How the provider writes a value: in quotes, unless overridden.
    #[must_use]
    fn written(value: &str) -> String {
        txt::quoted(value)
    }

    /// `dns01.check` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs; [`Error::Unavailable`] if the provider does not show what was
    /// written.
    fn check(&self, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        probe::run(self, &Sets(self), fqdn, context)
    }

    /// `dns01.present` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs.
    fn present(&self, txt: &TxtRecord) -> Result<String, Error> {
        let zone = self.find_zone(&txt.fqdn)?;
        let change = match add(self, &zone, &txt.fqdn, &txt.value, txt.ttl_seconds)? {
            Added::New(change) => change,
            Added::WasThere => None,
        };
        Handle::new(zone, change).text()
    }

    /// `dns01.poll` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs.
    fn poll(&self, handle: &str) -> Result<Progress, Error> {
        match Handle::read(handle) {
            Some(Handle { zone, change: Some(change), .. }) => self.change(&zone, &change),
            _ => Ok(Progress::Done),
        }
    }

    /// `dns01.cleanup` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs.
    fn cleanup(&self, txt: &TxtRecord, handle: &str) -> Result<(), Error> {
        super::zone::known(self, &txt.fqdn, handle, |zone| remove(self, zone, &txt.fqdn, &txt.value))
    }
}

enum Added {
    New(Option<String>),
    WasThere,
}

fn add<T: RecordSets + ?Sized>(
    api: &T,
    zone: &Zone,
    fqdn: &str,
    value: &str,
    ttl_seconds: u32,
) -> Result<Added, Error> {
    for _ in 0..ATTEMPTS {
        let old = api.read(zone, fqdn)?;
        if holds(old.as_ref(), value) {
            return Ok(Added::WasThere);
        }
        let mut new = old.clone().unwrap_or(Set {
            values: Vec::new(),
            ttl_seconds: ttl_seconds.max(T::MIN_TTL_SECONDS),
            version: None,
        });
        new.values.push(T::written(value));
        if let Written::Done(change) = api.replace(zone, fqdn, old.as_ref(), Some(&new))? {
            return Ok(Added::New(change));
        }
    }
    Err(contended(fqdn))
}

fn remove<T: RecordSets + ?Sized>(api: &T, zone: &Zone, fqdn: &str, value: &str) -> Result<(), Error> {
    for _ in 0..ATTEMPTS {
        let Some(old) = api.read(zone, fqdn)? else { return Ok(()) };
        if !holds(Some(&old), value) {
            return Ok(());
        }
        let mut new = old.clone();
        new.values.retain(|known| !txt::same(known, value));
        let new = (!new.values.is_empty()).then_some(&new);
        if let Written::Done(_) = api.replace(zone, fqdn, Some(&old), new)? {
            return Ok(());
        }
    }
    Err(contended(fqdn))
}

fn holds(set: Option<&Set>, value: &str) -> bool {
    set.is_some_and(|set| set.values.iter().any(|known| txt::same(known, value)))
}

fn contended(fqdn: &str) -> Error {
    Error::Unavailable(format!("Someone else keeps changing the TXT records at {fqdn}; try again."))
}

struct Sets<'a, T: ?Sized>(&'a T);

impl<T: RecordSets + ?Sized> Edit for Sets<'_, T> {
    fn add(&self, zone: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<bool, Error> {
        Ok(matches!(add(self.0, zone, fqdn, value, ttl_seconds)?, Added::New(_)))
    }

    fn shows(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<bool, Error> {
        Ok(holds(self.0.read(zone, fqdn)?.as_ref(), value))
    }

    fn remove(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<(), Error> {
        remove(self.0, zone, fqdn, value)
    }
}

/// How often a conflicting write is tried. Each attempt reads and writes;
/// together they stay under the host's 20 requests for a call.
const ATTEMPTS: u32 = 4;

#[cfg(test)]
mod tests;
