use super::probe::{self, Edit};
use super::{Handle, Zone, Zones, txt};
use crate::{Context, Error, Report, TxtRecord};

/// One TXT record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The provider's id for it.
    pub id: String,
    /// The value as the provider returns it, quoted or not.
    pub content: String,
}

/// A provider whose API keeps each value as a separate record.
pub trait Records: Zones {
    /// The provider's minimum time to live; smaller values are raised to it.
    const MIN_TTL_SECONDS: u32 = 1;

    /// All TXT records at `fqdn`, from every page.
    ///
    /// # Errors
    ///
    /// What [`Service::error`](crate::http::Service::error) makes of the answer.
    fn list(&self, zone: &Zone, fqdn: &str) -> Result<Vec<Record>, Error>;

    /// Adds a record; succeeds if it already exists.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    fn add(&self, zone: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<(), Error>;

    /// Deletes a record; succeeds if it is already gone.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    fn delete(&self, zone: &Zone, id: &str) -> Result<(), Error>;

    /// `dns01.check` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs; [`Error::Unavailable`] if the provider does not show what was
    /// written.
    fn check(&self, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
        probe::run(self, &Single(self), fqdn, context)
    }

    /// `dns01.present` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs.
    fn present(&self, txt: &TxtRecord) -> Result<String, Error> {
        let zone = self.find_zone(&txt.fqdn)?;
        Single(self).add(&zone, &txt.fqdn, &txt.value, txt.ttl_seconds)?;
        Handle::new(zone, None).text()
    }

    /// `dns01.cleanup` on top of the above.
    ///
    /// # Errors
    ///
    /// Theirs.
    fn cleanup(&self, txt: &TxtRecord, handle: &str) -> Result<(), Error> {
        super::zone::known(self, &txt.fqdn, handle, |zone| Single(self).remove(zone, &txt.fqdn, &txt.value))
    }
}

struct Single<'a, T: ?Sized>(&'a T);

impl<T: Records + ?Sized> Single<'_, T> {
    fn ours(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<Vec<Record>, Error> {
        let mut records = self.0.list(zone, fqdn)?;
        records.retain(|record| txt::same(&record.content, value));
        Ok(records)
    }
}

impl<T: Records + ?Sized> Edit for Single<'_, T> {
    fn add(&self, zone: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<bool, Error> {
        let is_new = self.ours(zone, fqdn, value)?.is_empty();
        if is_new {
            self.0.add(zone, fqdn, value, ttl_seconds.max(T::MIN_TTL_SECONDS))?;
        }
        Ok(is_new)
    }

    fn shows(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<bool, Error> {
        Ok(!self.ours(zone, fqdn, value)?.is_empty())
    }

    fn remove(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<(), Error> {
        for record in self.ours(zone, fqdn, value)? {
            self.0.delete(zone, &record.id)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
