//! Orders certificates into the path of the one to serve.

use bursar_plugin_sdk::{Error, Violations};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use crate::name;
use crate::signature::verify;

/// The certificates of both fields, in DER and in the given order.
pub(crate) struct Ders {
    pub(crate) certificate: Vec<Vec<u8>>,
    pub(crate) chain: Vec<Vec<u8>>,
    /// Whether `chain` was derived from an earlier `certificate`. Nobody asked
    /// for it then, and what does not fit the current certificate is dropped.
    pub(crate) chain_is_derived: bool,
}

/// A certificate and those that issued it, nearest first, self-signed last.
pub(crate) struct Path<'a> {
    certificates: Vec<X509Certificate<'a>>,
}

impl<'a> Path<'a> {
    /// Puts the certificates in order. Duplicates are dropped; a certificate
    /// outside the path is a violation.
    pub(crate) fn build(ders: &'a Ders) -> Result<Self, Error> {
        let pool = pool(ders)?;
        let leaf = leaf(&pool)?;

        let mut path = vec![leaf];
        let mut left: Vec<&Found> =
            pool.iter().filter(|it| it.certificate.as_raw() != leaf.certificate.as_raw()).collect();
        let mut next = 0;
        while next < path.len() {
            let subject = path[next];
            let (mut issuers, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|it| it.issued(subject));
            // A root and the same authority's cross-signed certificate may both
            // be present.
            issuers.sort_by_key(|it| it.is_self_issued());
            path.extend(issuers);
            left = others;
            next += 1;
        }

        let mut violations = Violations::new();
        for stranger in left.into_iter().filter(|it| !(ders.chain_is_derived && it.pointer == CHAIN)) {
            let name = shown(stranger.certificate.subject());
            let cure =
                if stranger.pointer == CHAIN { "remove it, or give the chain that goes with it" } else { "remove it" };
            let message = format!(
                "The certificate of {name} does not belong to the path of {}; {cure}.",
                shown(leaf.certificate.subject())
            );
            violations.add(stranger.pointer, "not-on-path", message);
        }
        violations.finish()?;
        path[1..].sort_by_key(|it| it.is_self_issued());
        Ok(Self { certificates: path.into_iter().map(|it| it.certificate.clone()).collect() })
    }

    pub(crate) fn leaf(&self) -> &X509Certificate<'a> {
        &self.certificates[0]
    }

    pub(crate) fn issuers(&self) -> &[X509Certificate<'a>] {
        &self.certificates[1..]
    }

    pub(crate) fn all(&self) -> &[X509Certificate<'a>] {
        &self.certificates
    }
}

/// A certificate and its field.
struct Found<'a> {
    pointer: &'static str,
    certificate: X509Certificate<'a>,
}

impl Found<'_> {
    /// By names and key identifiers (RFC 5280, sections 4.1.2.4 and 4.2.1.1),
    /// and by signature if the algorithm is supported.
    fn issued(&self, subject: &Self) -> bool {
        let (issuer, subject) = (&self.certificate, &subject.certificate);
        if !name::same(issuer.subject(), subject.issuer()) {
            return false;
        }
        if let (Some(wanted), Some(own)) = (authority_key_id(subject), subject_key_id(issuer))
            && wanted != own
        {
            return false;
        }
        verify(subject, issuer).unwrap_or(true)
    }

    fn is_self_issued(&self) -> bool {
        name::same(self.certificate.subject(), self.certificate.issuer())
    }
}

fn pool(ders: &Ders) -> Result<Vec<Found<'_>>, Error> {
    let mut violations = Violations::new();
    let mut pool: Vec<Found<'_>> = Vec::new();
    // Issuers in the new `certificate` replace those derived from an earlier
    // one.
    let is_replaced = ders.chain_is_derived && ders.certificate.len() > 1;
    let chain: &[Vec<u8>] = if is_replaced { &[] } else { &ders.chain };
    let fields = [(CERTIFICATE, &ders.certificate[..]), (CHAIN, chain)];
    if let Some((pointer, _)) = fields.iter().find(|(_, ders)| ders.len() > MAX_CERTIFICATES) {
        return Err(
            Violations::one(pointer, "too-many", "Keep the certificate to serve and those that issued it.").into()
        );
    }
    for (pointer, ders) in fields {
        for der in ders {
            let Ok(([], certificate)) = X509Certificate::from_der(der) else {
                let message = "A CERTIFICATE block holds no X.509 certificate; export it again.";
                violations.add(pointer, "malformed-certificate", message);
                break;
            };
            if !pool.iter().any(|it| it.certificate.as_raw() == der) {
                pool.push(Found { pointer, certificate });
            }
        }
    }
    violations.finish()?;
    Ok(pool)
}

/// The one certificate that issued no other. Prefers one from the field
/// `certificate`, and one that is not an authority's.
fn leaf<'p, 'a>(pool: &'p [Found<'a>]) -> Result<&'p Found<'a>, Error> {
    let issued_another =
        |it: &Found| pool.iter().any(|other| other.certificate.as_raw() != it.certificate.as_raw() && it.issued(other));
    let mut candidates: Vec<&Found> = pool.iter().filter(|it| !issued_another(it)).collect();
    if candidates.is_empty() {
        // Authorities that signed one another.
        candidates = pool.iter().collect();
    }
    narrow(&mut candidates, |it| it.pointer == CERTIFICATE);
    narrow(&mut candidates, |it| !it.certificate.is_ca());
    if let [leaf] = candidates[..] {
        return Ok(leaf);
    }
    let names: Vec<String> = candidates.iter().take(3).map(|it| shown(it.certificate.subject())).collect();
    let message = format!("Keep one certificate to serve; there are {}.", names.join(" and "));
    Err(Violations::one(CERTIFICATE, "several-leaves", message).into())
}

/// Keeps those that fit, if there are any.
fn narrow<T>(candidates: &mut Vec<&T>, fits: impl Fn(&T) -> bool) {
    if candidates.iter().any(|it| fits(it)) {
        candidates.retain(|it| fits(it));
    }
}

fn authority_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    })
}

fn subject_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

/// A name for a message: short, and without line breaks.
fn shown(name: &x509_parser::x509::X509Name<'_>) -> String {
    let name: String = name::shown(name).chars().filter(|character| !character.is_control()).take(100).collect();
    if name.is_empty() { "(no name)".to_owned() } else { format!("\"{name}\"") }
}

pub(crate) const CERTIFICATE: &str = "/certificate";
pub(crate) const CHAIN: &str = "/chain";
/// Real paths have two to four; each pair costs a signature check.
const MAX_CERTIFICATES: usize = 20;
