//! Decides whether a secret may go where a request puts it.
//!
//! A value that a plugin wrote may hold every secret the plugin saw. It therefore
//! needs a placement of each of them.

use bursar_kernel::plugin::{Manifest, SecretInjection, Taints};
use serde_json::Value;

use super::call_secrets::Origin;
use super::hosts;
use super::request::Denial;
use super::target::Target;

/// The placements that apply to one request.
pub(crate) struct InjectionRules<'a> {
    manifest: &'a Manifest,
    public: &'a Value,
    target: &'a Target,
    method: &'a str,
    taints: &'a Taints,
}

impl<'a> InjectionRules<'a> {
    pub(crate) fn new(
        manifest: &'a Manifest,
        public: &'a Value,
        target: &'a Target,
        method: &'a str,
        taints: &'a Taints,
    ) -> Self {
        Self { manifest, public, target, method, taints }
    }

    /// Refuses `origin` unless a placement for this host, method and path allows
    /// `place`, for it and for each secret that it may hold.
    ///
    /// # Errors
    ///
    /// The rule: which secret, where it was put.
    pub(crate) fn permit(&self, origin: &Origin, place: &str) -> Result<(), Denial> {
        if !self.here(origin).any(|placement| placement.place == place) {
            return Err(Denial::new(format!("no placement of the manifest lets {origin} into {}", self.at(place))));
        }
        for source in sources(self.taints, origin) {
            let fits = |placement: &SecretInjection| source.unrecorded || placement.place == place;
            if !self.with(&source).any(fits) {
                return Err(self.crossing(origin, &source, place));
            }
        }
        Ok(())
    }

    /// Where `origin` may appear in the body of this request: anywhere, or only as
    /// the whole value at some pointers.
    ///
    /// # Errors
    ///
    /// The rule, if it is allowed nowhere.
    pub(crate) fn in_body(&self, origin: &Origin) -> Result<InBody<'a>, Denial> {
        let mut places = places_in_body(self.here(origin));
        if places.is_nowhere() {
            return Err(Denial::new(format!("no placement of the manifest lets {origin} into {}", self.at(BODY))));
        }
        for source in sources(self.taints, origin) {
            let of_source = if !source.unrecorded {
                places_in_body(self.with(&source))
            } else if self.with(&source).next().is_some() {
                InBody::Anywhere
            } else {
                InBody::At(Vec::new())
            };
            places = places.and(of_source);
            if places.is_nowhere() {
                return Err(self.crossing(origin, &source, BODY));
            }
        }
        Ok(places)
    }

    /// Whether requests to this host may carry `origin` at all, hence whether its
    /// answers may know it.
    pub(crate) fn may_reach(&self, origin: &Origin) -> bool {
        let mut all = std::iter::once(origin.clone()).chain(sources(self.taints, origin).map(|source| source.origin));
        all.all(|one| self.to_host(&one).next().is_some())
    }

    /// The placements of `origin` whose host, method and path match this request.
    fn here<'s>(&'s self, origin: &Origin) -> impl Iterator<Item = &'a SecretInjection> + use<'s, 'a> {
        self.to_host(origin).filter(|placement| {
            (placement.methods.is_empty() || placement.methods.iter().any(|method| method == self.method))
                && self.target.path().starts_with(&placement.path_prefix)
        })
    }

    /// The placements of `origin` whose host matches this request.
    fn to_host<'s>(&'s self, origin: &Origin) -> impl Iterator<Item = &'a SecretInjection> + use<'s, 'a> {
        of(self.manifest, origin).filter(|placement| hosts::matches(&placement.host, self.target, self.public))
    }

    /// The placements of a secret that another may hold. If that is only assumed,
    /// it is enough that the host may receive both.
    fn with<'s>(&'s self, source: &TaintSource) -> Box<dyn Iterator<Item = &'a SecretInjection> + 's> {
        if source.unrecorded { Box::new(self.to_host(&source.origin)) } else { Box::new(self.here(&source.origin)) }
    }

    fn crossing(&self, origin: &Origin, source: &TaintSource, place: &str) -> Denial {
        let (seen, at) = (&source.origin, self.at(place));
        Denial::new(if source.unrecorded {
            format!(
                "nothing is recorded of who wrote {origin}: it may hold {seen}, which no placement of the manifest \
                 sends to {}; give the secrets of this credential again",
                self.target.authority()
            )
        } else {
            format!(
                "check wrote {origin} after it saw {seen}, and no placement of the manifest lets {seen} into {at}: \
                 answer rewrites that only trim a secret or mend its line ends"
            )
        })
    }

    fn at(&self, place: &str) -> String {
        format!("{place} of {} {}", self.method, self.target.authority())
    }
}

/// A secret that another may hold.
struct TaintSource {
    origin: Origin,
    /// Whether that is only assumed.
    unrecorded: bool,
}

fn sources<'t>(taints: &'t Taints, origin: &'t Origin) -> impl Iterator<Item = TaintSource> + use<'t> {
    let pointer = match origin {
        Origin::Config(pointer) => Some(pointer),
        // Its issuer saw only what the exchange was allowed to carry.
        Origin::Captured { .. } => None,
    };
    pointer.into_iter().flat_map(|pointer| taints.about(pointer)).flat_map(|taint| {
        let source =
            |pointer: &String| TaintSource { origin: Origin::Config(pointer.clone()), unrecorded: taint.unrecorded };
        taint.sources.iter().map(source)
    })
}

fn places_in_body<'a>(placements: impl Iterator<Item = &'a SecretInjection>) -> InBody<'a> {
    let mut pointers = Vec::new();
    for placement in placements {
        if placement.place == BODY {
            return InBody::Anywhere;
        }
        pointers.extend(placement.place.strip_prefix("body:"));
    }
    InBody::At(pointers)
}

/// What a placement allows in a body.
pub(crate) enum InBody<'a> {
    Anywhere,
    /// Empty for nowhere.
    At(Vec<&'a str>),
}

impl InBody<'_> {
    fn is_nowhere(&self) -> bool {
        matches!(self, Self::At(pointers) if pointers.is_empty())
    }

    /// What both allow.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anywhere, places) | (places, Self::Anywhere) => places,
            (Self::At(mut pointers), Self::At(others)) => {
                pointers.retain(|pointer| others.contains(pointer));
                Self::At(pointers)
            }
        }
    }
}

/// Refuses `origin` unless the manifest lets it be a signing key for some host,
/// and every secret that it may hold.
///
/// # Errors
///
/// The rule.
pub(crate) fn permit_key(manifest: &Manifest, taints: &Taints, origin: &Origin) -> Result<(), Denial> {
    if !of(manifest, origin).any(|placement| placement.place == KEY) {
        return Err(Denial::new(format!("no placement of the manifest makes {origin} a key")));
    }
    for TaintSource { origin: seen, unrecorded } in sources(taints, origin) {
        if !of(manifest, &seen).any(|placement| unrecorded || placement.place == KEY) {
            return Err(Denial::new(format!(
                "{origin} may hold {seen}, and no placement of the manifest makes {seen} a key"
            )));
        }
    }
    Ok(())
}

fn of<'a>(manifest: &'a Manifest, origin: &Origin) -> impl Iterator<Item = &'a SecretInjection> + use<'a> {
    let (placements, secret) = match origin {
        Origin::Config(pointer) => (manifest.placements.as_slice(), pointer.clone()),
        Origin::Captured { endpoint, name } => {
            let declared = manifest.token_endpoints.iter().find(|declared| declared.name == *endpoint);
            (declared.map_or(&[][..], |declared| declared.placements.as_slice()), name.clone())
        }
    };
    placements.iter().filter(move |placement| placement.secret == secret)
}

/// The place of a secret that signs requests and is never sent.
pub(crate) const KEY: &str = "key";
const BODY: &str = "body";
