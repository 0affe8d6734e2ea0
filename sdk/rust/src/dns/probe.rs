//! The preflight: creates a record, reads it back and deletes it.

use super::{Zone, Zones};
use crate::json::json;
use crate::{Context, Error, Report};

/// What the preflight needs of either kind of provider.
pub(super) trait Edit {
    /// Adds the value and keeps the others; `false` if it was already there.
    fn add(&self, zone: &Zone, fqdn: &str, value: &str, ttl_seconds: u32) -> Result<bool, Error>;
    /// Whether the provider shows the value.
    fn shows(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<bool, Error>;
    /// Removes the value and no other.
    fn remove(&self, zone: &Zone, fqdn: &str, value: &str) -> Result<(), Error>;
}

/// Creates, reads back and deletes a TXT record at a separate name. If that is
/// denied and `fqdn` is an `_acme-challenge` name, retries at that name:
/// least-privilege policies may allow no other.
pub(super) fn run(
    zones: &(impl Zones + ?Sized),
    edit: &impl Edit,
    fqdn: Option<&str>,
    context: &Context,
) -> Result<Report, Error> {
    let zone = match fqdn {
        Some(fqdn) => zones.find_zone(fqdn)?,
        None => zones.any_zone()?,
    };
    let domain = fqdn.map_or(zone.name.as_str(), |fqdn| fqdn.strip_prefix(CHALLENGE).unwrap_or(fqdn));
    let apart = format!("{CHALLENGE}bursar-probe.{domain}");
    let value = value(context);
    match (prove(edit, &zone, &apart, &value), fqdn) {
        (Err(Error::Denied(_)), Some(fqdn)) if fqdn.starts_with(CHALLENGE) => {
            prove(edit, &zone, fqdn, &value)?;
            Ok(report(&zone, fqdn))
        }
        (proved, _) => proved.map(|()| report(&zone, &apart)),
    }
}

fn prove(edit: &impl Edit, zone: &Zone, fqdn: &str, value: &str) -> Result<(), Error> {
    let mut is_new = edit.add(zone, fqdn, value, TTL_SECONDS)?;
    if !is_new {
        // An interrupted check left it. Only a new record proves write access.
        edit.remove(zone, fqdn, value)?;
        is_new = edit.add(zone, fqdn, value, TTL_SECONDS)?;
    }
    let shown = edit.shows(zone, fqdn, value);
    let removed = edit.remove(zone, fqdn, value);
    if !is_new || !shown? {
        return Err(Error::Unavailable(format!(
            "A TXT record at {fqdn} was accepted, but the provider does not show it."
        )));
    }
    removed.map_err(|error| left_behind(error, fqdn))
}

/// Differs for each credential and version, which keeps two checks of one zone
/// from removing each other's record.
fn value(context: &Context) -> String {
    let seed = context.seed.first_chunk::<8>().copied().unwrap_or_default();
    format!("bursar-probe-{}", hex::encode(seed))
}

fn report(zone: &Zone, fqdn: &str) -> Report {
    let name = if zone.name.is_empty() { &zone.id } else { &zone.name };
    Report {
        summary: format!("May write to the zone {name}: a TXT record at {fqdn} was created, read back and deleted."),
        details: json!({ "zone": name, "zoneId": zone.id, "record": fqdn, "proved": ["create", "read", "delete"] })
            .to_string(),
    }
}

/// Names the record that a failed check left behind, for someone to delete.
#[must_use]
pub fn left_behind(error: Error, fqdn: &str) -> Error {
    let words =
        |words: String| format!("A TXT record at {fqdn} was created and could not be deleted; delete it. {words}");
    match error {
        Error::Denied(why) => Error::Denied(words(why)),
        Error::NotFound(why) => Error::NotFound(words(why)),
        Error::Unavailable(why) => Error::Unavailable(words(why)),
        Error::Internal(why) => Error::Internal(words(why)),
        other => other,
    }
}

const CHALLENGE: &str = "_acme-challenge.";
const TTL_SECONDS: u32 = 60;
