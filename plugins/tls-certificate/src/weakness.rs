//! Weaknesses for which servers and browsers may refuse a certificate.
//!
//! Warnings and not violations: which of these a server accepts depends on its
//! settings (OpenSSL's security levels), and a certificate that is in use must
//! not become unusable here before it does there.

use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

use crate::name;

/// The manifest's code for each weakness of a certificate.
pub(crate) fn of(certificate: &X509Certificate<'_>) -> Vec<&'static str> {
    let mut found = Vec::new();
    if rsa_bits(certificate).is_some_and(|bits| bits < MIN_RSA_BITS) {
        found.push("weak-key");
    }
    // Nobody checks a certificate's signature of itself.
    let is_self_issued = name::same(certificate.subject(), certificate.issuer());
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    if !is_self_issued && BROKEN_SIGNATURES.contains(&algorithm.as_str()) {
        found.push("weak-signature");
    }
    found
}

/// The size of an RSA key.
pub(crate) fn rsa_bits(certificate: &X509Certificate<'_>) -> Option<usize> {
    let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else { return None };
    let modulus = &key.modulus[key.modulus.iter().take_while(|byte| **byte == 0).count()..];
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Some(modulus.len() * 8 - unused)
}

/// NIST SP 800-131A, and OpenSSL's security level 2.
const MIN_RSA_BITS: usize = 2048;
/// With MD2, MD4, MD5 and SHA-1, under RSA, ECDSA and the OIW's older names.
const BROKEN_SIGNATURES: [&str; 7] = [
    "1.2.840.113549.1.1.2",
    "1.2.840.113549.1.1.3",
    "1.2.840.113549.1.1.4",
    "1.2.840.113549.1.1.5",
    "1.2.840.10045.4.1",
    "1.3.14.3.2.3",
    "1.3.14.3.2.29",
];
