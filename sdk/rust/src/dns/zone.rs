use serde::{Deserialize, Serialize};

use super::Handle;
use super::name::{candidates, normal};
use crate::Error;

/// A zone that the provider holds.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Zone {
    /// The provider's id for it, as in requests.
    pub id: String,
    /// The zone's domain name, lower case, without trailing dot. Empty when
    /// the person gave an id and the name is not needed.
    pub name: String,
}

impl Zone {
    /// A zone, with its name normalised.
    #[must_use]
    pub fn new(id: impl Into<String>, name: &str) -> Self {
        Self { id: id.into(), name: normal(name) }
    }
}

/// How a provider finds zones.
pub trait Zones {
    /// The longest zone that contains `fqdn` and that the credential may see,
    /// or the one the person named. [`walk`] tries the candidates in turn.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    fn find_zone(&self, fqdn: &str) -> Result<Zone, Error>;

    /// Any zone that the credential may see, with its name, for a check without
    /// a domain.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    fn any_zone(&self) -> Result<Zone, Error>;
}

/// Asks `find` for each name that may be the zone of `fqdn`, longest first.
/// Top-level domains are left out unless `fqdn` is one.
///
/// # Errors
///
/// Those of `find`; [`Error::NotFound`] if no zone is found, with `service` and
/// `cure` (one sentence) in its message.
pub fn walk(
    fqdn: &str,
    service: &str,
    cure: &str,
    mut find: impl FnMut(&str) -> Result<Option<Zone>, Error>,
) -> Result<Zone, Error> {
    let tried: Vec<_> = candidates(fqdn).filter(|name| name.contains('.') || *name == fqdn).collect();
    for name in &tried {
        if let Some(zone) = find(name)? {
            return Ok(zone);
        }
    }
    Err(Error::NotFound(format!(
        "{service} shows this credential no zone that holds {fqdn}: tried {}. {cure}",
        tried.join(", ")
    )))
}

/// Acts in the zone of a handle. Searches for the zone of `fqdn` if the handle
/// was lost, or if its zone is gone and may exist under another id.
pub(super) fn known(
    zones: &(impl Zones + ?Sized),
    fqdn: &str,
    handle: &str,
    act: impl Fn(&Zone) -> Result<(), Error>,
) -> Result<(), Error> {
    if let Some(handle) = Handle::read(handle) {
        match act(&handle.zone) {
            Err(Error::NotFound(_)) => {}
            done => return done,
        }
    }
    act(&zones.find_zone(fqdn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_found_is_the_longest() {
        let mut asked = Vec::new();
        let zone = walk("_acme-challenge.a.example.com", "Example", "", |name| {
            asked.push(name.to_owned());
            Ok((name == "example.com").then(|| Zone::new("z1", "Example.COM.")))
        });
        assert_eq!(zone.unwrap(), Zone { id: "z1".into(), name: "example.com".into() });
        assert_eq!(asked, ["_acme-challenge.a.example.com", "a.example.com", "example.com"]);
    }

    /// A provider whose zone has a new id.
    struct Moved;

    impl Zones for Moved {
        fn find_zone(&self, _: &str) -> Result<Zone, Error> {
            self.any_zone()
        }

        fn any_zone(&self) -> Result<Zone, Error> {
            Ok(Zone::new("new", "example.com"))
        }
    }

    #[test]
    fn a_zone_that_is_gone_is_looked_for_again() {
        let handle = Handle::new(Zone::new("old", "example.com"), None).text().unwrap();
        let acted = std::cell::RefCell::new(Vec::new());
        let act = |zone: &Zone| {
            acted.borrow_mut().push(zone.id.clone());
            if zone.id == "old" { Err(Error::NotFound(String::new())) } else { Ok(()) }
        };
        known(&Moved, "a.example.com", &handle, act).unwrap();
        known(&Moved, "a.example.com", "", act).unwrap();
        assert_eq!(acted.take(), ["old", "new", "new"]);
        let denied = known(&Moved, "a.example.com", &handle, |_| Err(Error::Denied(String::new())));
        assert!(matches!(denied, Err(Error::Denied(_))));
    }

    #[test]
    fn none_found_names_what_was_tried() {
        let Err(Error::NotFound(words)) = walk("a.example.com", "Example", "Create it.", |_| Ok(None)) else {
            panic!("found a zone")
        };
        assert_eq!(
            words,
            "Example shows this credential no zone that holds a.example.com: tried a.example.com, example.com. Create it."
        );
    }
}
