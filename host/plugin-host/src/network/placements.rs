//! Whether a secret may stand where a request puts it.

use bursar_domain::plugin::{Manifest, Placement};
use serde_json::Value;

use super::hosts;
use super::request::Denial;
use super::target::Target;
use super::vault::Origin;

/// The placements that concern one request.
pub(crate) struct Rules<'a> {
    manifest: &'a Manifest,
    public: &'a Value,
    target: &'a Target,
    method: &'a str,
}

impl<'a> Rules<'a> {
    pub(crate) fn new(manifest: &'a Manifest, public: &'a Value, target: &'a Target, method: &'a str) -> Self {
        Self { manifest, public, target, method }
    }

    /// Refuses `origin` unless a placement of this host, method and path says
    /// `place`.
    ///
    /// # Errors
    ///
    /// The rule: which secret, where it was put.
    pub(crate) fn permit(&self, origin: &Origin, place: &str) -> Result<(), Denial> {
        if self.here(origin).any(|placement| placement.place == place) {
            return Ok(());
        }
        let Self { method, target, .. } = self;
        Err(Denial::new(format!(
            "no placement of the manifest lets {origin} into {place} of {method} {}",
            target.authority()
        )))
    }

    /// Where in the body of this request `origin` may stand: anywhere, or only
    /// as the whole value at some pointers.
    pub(crate) fn in_body(&self, origin: &Origin) -> InBody<'a> {
        let mut pointers = Vec::new();
        for placement in self.here(origin) {
            if placement.place == BODY {
                return InBody::Anywhere;
            }
            pointers.extend(placement.place.strip_prefix("body:"));
        }
        InBody::At(pointers)
    }

    /// The placements of `origin` whose host, method and path are this request's.
    fn here(&self, origin: &Origin) -> impl Iterator<Item = &'a Placement> {
        of(self.manifest, origin).filter(|placement| {
            (placement.methods.is_empty() || placement.methods.iter().any(|method| method == self.method))
                && self.target.path().starts_with(&placement.path_prefix)
                && hosts::matches(&placement.host, self.target, self.public)
        })
    }
}

/// What a placement allows in a body.
pub(crate) enum InBody<'a> {
    Anywhere,
    /// Empty for nowhere.
    At(Vec<&'a str>),
}

/// Refuses `origin` unless the manifest lets it be a signing key for some host.
///
/// # Errors
///
/// The rule.
pub(crate) fn permit_key(manifest: &Manifest, origin: &Origin) -> Result<(), Denial> {
    if of(manifest, origin).any(|placement| placement.place == KEY) {
        return Ok(());
    }
    Err(Denial::new(format!("no placement of the manifest makes {origin} a key")))
}

fn of<'a>(manifest: &'a Manifest, origin: &Origin) -> impl Iterator<Item = &'a Placement> + use<'a> {
    let (placements, secret) = match origin {
        Origin::Config(pointer) => (manifest.placements.as_slice(), pointer.clone()),
        Origin::Captured { endpoint, name } => {
            let declared = manifest.token_endpoints.iter().find(|declared| declared.name == *endpoint);
            (declared.map_or(&[][..], |declared| declared.placements.as_slice()), name.clone())
        }
    };
    placements.iter().filter(move |placement| placement.secret == secret)
}

/// The place of what is never sent but signs what is.
pub(crate) const KEY: &str = "key";
const BODY: &str = "body";
