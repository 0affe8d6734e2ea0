//! Describes a certificate, for people and for finding it by host.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bursar_plugin_sdk::{Error, Inspection};
use rsa::sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

use crate::pem::Problem;
use crate::signature::{ED25519, P256, P384, curve, is_explicit_curve};
use crate::{name, weakness};

/// Adds the attributes, the validity and the host selectors of `leaf`.
pub(crate) fn describe(inspection: Inspection, leaf: &X509Certificate<'_>) -> Result<Inspection, Error> {
    let key_type = key_type(leaf).map_err(|problem| problem.at("/certificate"))?;
    let common_name = leaf.subject().iter_common_name().find_map(name::text);
    let alt_names = alt_names(leaf);
    let validity = leaf.validity();

    let mut found = inspection
        .attribute("altNames", alt_names.iter().map(|(_, name)| name).collect::<Vec<_>>())?
        .attribute("notBefore", rfc3339(validity.not_before))?
        .attribute("notAfter", rfc3339(validity.not_after))?
        .attribute("issuer", name::shown(leaf.issuer()))?
        .attribute("subject", name::shown(leaf.subject()))?
        .attribute("serialNumber", serial_number(leaf))?
        .attribute("fingerprintSha256", hex(&Sha256::digest(leaf.as_raw())))?
        .attribute("keyType", key_type)?;
    if let Some(name) = &common_name {
        found = found.attribute("commonName", name)?;
    }

    let mut hosts: Vec<String> = alt_names.into_iter().filter(|(is_host, _)| *is_host).map(|(_, name)| name).collect();
    if leaf.subject_alternative_name().ok().flatten().is_none() {
        // RFC 6125, section 6.4.4: the common name counts only then.
        hosts.extend(common_name.filter(|name| is_dns_name(name)));
    }
    for host in &mut hosts {
        host.make_ascii_lowercase();
    }
    hosts.sort();
    hosts.dedup();
    for host in hosts.into_iter().take(MAX_SELECTORS) {
        found = found.selector("host", host);
    }
    found.not_before = Some(validity.not_before.timestamp());
    found.not_after = Some(validity.not_after.timestamp());
    Ok(found)
}

/// The alternative names as text, and whether each is a host.
fn alt_names(leaf: &X509Certificate<'_>) -> Vec<(bool, String)> {
    let Ok(Some(names)) = leaf.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((is_dns_name(name), (*name).to_owned())),
            GeneralName::IPAddress(bytes) => ip_address(bytes).map(|address| (true, address)),
            GeneralName::RFC822Name(name) | GeneralName::URI(name) => Some((false, (*name).to_owned())),
            _ => None,
        })
        .collect()
}

fn ip_address(bytes: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(bytes).to_string());
    }
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string())
}

fn key_type(leaf: &X509Certificate<'_>) -> Result<String, Problem> {
    let key = leaf.public_key();
    if let Some(bits) = weakness::rsa_bits(leaf) {
        return Ok(format!("RSA-{bits}"));
    }
    if is_explicit_curve(leaf) {
        let message = "The certificate's key has explicit curve parameters instead of a named curve; have it issued for a key on P-256 or P-384.";
        return Err(Problem::new("explicit-curve", message));
    }
    if key.algorithm.algorithm.to_id_string() == ED25519 {
        return Ok("Ed25519".to_owned());
    }
    match curve(leaf).as_deref() {
        Some(P256) => Ok("ECDSA-P256".to_owned()),
        Some(P384) => Ok("ECDSA-P384".to_owned()),
        _ => Err(Problem::new(
            "unsupported-key",
            "The certificate's key is of a kind that is not supported; use RSA, ECDSA on P-256 or P-384, or Ed25519.",
        )),
    }
}

fn serial_number(leaf: &X509Certificate<'_>) -> String {
    match leaf.raw_serial() {
        // The sign byte of DER is not part of the number.
        [0, rest @ ..] if !rest.is_empty() => hex(rest),
        serial => hex(serial),
    }
}

fn rfc3339(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z", u8::from(month))
}

/// Whether it can be a DNS name. An address is not one, in any field: clients
/// compare addresses only with `iPAddress` (RFC 9525, section 6.1), and the
/// last label of a domain is never all digits.
fn is_dns_name(name: &str) -> bool {
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    !name.is_empty()
        && name.len() <= 255
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte))
        && !last.bytes().all(|byte| byte.is_ascii_digit())
        && name.parse::<IpAddr>().is_err()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The most that the host indexes for one credential.
const MAX_SELECTORS: usize = 256;
