//! Checks whether a certificate has its issuer's signature.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::sha2::{Digest, Sha256, Sha384, Sha512};
use rsa::{BigUint, RsaPublicKey, pkcs1v15};
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

/// `None` for an unsupported algorithm (P-521, RSA-PSS, SHA-1): names and key
/// identifiers must suffice then.
pub(crate) fn verify(subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Option<bool> {
    let signed = subject.tbs_certificate.as_ref();
    let signature = subject.signature_value.as_ref();
    let algorithm = subject.signature_algorithm.algorithm.to_id_string();
    match algorithm.as_str() {
        SHA256_WITH_RSA => verify_rsa(issuer, |key| {
            pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(signed, &signature.try_into().ok()?).ok()
        }),
        SHA384_WITH_RSA => verify_rsa(issuer, |key| {
            pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(signed, &signature.try_into().ok()?).ok()
        }),
        SHA512_WITH_RSA => verify_rsa(issuer, |key| {
            pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(signed, &signature.try_into().ok()?).ok()
        }),
        ECDSA_WITH_SHA256 => verify_ecdsa(issuer, &Sha256::digest(signed), signature),
        ECDSA_WITH_SHA384 => verify_ecdsa(issuer, &Sha384::digest(signed), signature),
        ECDSA_WITH_SHA512 => verify_ecdsa(issuer, &Sha512::digest(signed), signature),
        ED25519 => Some(verify_ed25519(issuer, signed, signature).is_some()),
        _ => None,
    }
}

fn verify_rsa(issuer: &X509Certificate<'_>, check: impl Fn(RsaPublicKey) -> Option<()>) -> Option<bool> {
    let Ok(PublicKey::RSA(key)) = issuer.public_key().parsed() else { return Some(false) };
    let (n, e) = (BigUint::from_bytes_be(key.modulus), BigUint::from_bytes_be(key.exponent));
    // Larger keys exist, but are not checked.
    let key = RsaPublicKey::new_with_max_size(n, e, MAX_RSA_BITS).ok()?;
    Some(check(key).is_some())
}

fn verify_ecdsa(issuer: &X509Certificate<'_>, digest: &[u8], signature: &[u8]) -> Option<bool> {
    let point = issuer.public_key().subject_public_key.as_ref();
    let fits = match curve(issuer)?.as_str() {
        P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .ok()
            .and_then(|key| key.verify_prehash(digest, &p256::ecdsa::Signature::from_der(signature).ok()?).ok()),
        P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .ok()
            .and_then(|key| key.verify_prehash(digest, &p384::ecdsa::Signature::from_der(signature).ok()?).ok()),
        _ => return None,
    };
    Some(fits.is_some())
}

fn verify_ed25519(issuer: &X509Certificate<'_>, signed: &[u8], signature: &[u8]) -> Option<()> {
    let point: &[u8; 32] = issuer.public_key().subject_public_key.as_ref().try_into().ok()?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(point).ok()?;
    key.verify_strict(signed, &ed25519_dalek::Signature::from_slice(signature).ok()?).ok()
}

/// The named curve of a certificate's key (RFC 5480, section 2.1.1).
pub(crate) fn curve(certificate: &X509Certificate<'_>) -> Option<String> {
    let parameters = certificate.public_key().algorithm.parameters.as_ref()?;
    Some(parameters.as_oid().ok()?.to_id_string())
}

/// Whether a certificate's key has explicit curve parameters, which RFC 5480,
/// section 2.1.1, forbids and servers refuse.
pub(crate) fn is_explicit_curve(certificate: &X509Certificate<'_>) -> bool {
    let algorithm = &certificate.public_key().algorithm;
    algorithm.algorithm.to_id_string() == EC_PUBLIC_KEY
        && algorithm.parameters.as_ref().is_some_and(|parameters| parameters.as_sequence().is_ok())
}

pub(crate) const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
pub(crate) const ED25519: &str = "1.3.101.112";
pub(crate) const P256: &str = "1.2.840.10045.3.1.7";
pub(crate) const P384: &str = "1.3.132.0.34";
const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
const SHA384_WITH_RSA: &str = "1.2.840.113549.1.1.12";
const SHA512_WITH_RSA: &str = "1.2.840.113549.1.1.13";
const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";
const ECDSA_WITH_SHA384: &str = "1.2.840.10045.4.3.3";
const ECDSA_WITH_SHA512: &str = "1.2.840.10045.4.3.4";
const MAX_RSA_BITS: usize = 8192;
