//! Reads private keys, and checks whether one belongs to a certificate.

use ed25519_dalek::SigningKey;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use pem::Pem;
use rsa::pkcs1;
use rsa::pkcs8::der::asn1::{AnyRef, ContextSpecific, OctetStringRef};
use rsa::pkcs8::der::{Decode as _, Encode as _, Reader as _, Tag, TagNumber, Tagged as _};
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, RsaPrivateKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

use crate::pem::Problem;
use crate::signature::{ED25519, P256, P384, curve};

/// A private key of a kind that servers can use.
pub(crate) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    Ed25519(SigningKey),
}

impl PrivateKey {
    /// Reads PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915).
    pub(crate) fn parse(block: &Pem) -> Result<Self, Problem> {
        let der = block.contents();
        match block.tag() {
            "PRIVATE KEY" => Self::from_pkcs8(der),
            "RSA PRIVATE KEY" => rsa_key(der),
            "EC PRIVATE KEY" => Self::from_sec1(der, None),
            _ => Err(unsupported()),
        }
    }

    /// Whether the public key, derived from the private numbers, is the
    /// certificate's. A public key in the file proves nothing.
    pub(crate) fn is_of(&self, certificate: &X509Certificate<'_>) -> bool {
        let key = certificate.public_key();
        let bytes = key.subject_public_key.as_ref();
        let named = curve(certificate);
        match self {
            Self::Rsa(own) => match key.parsed() {
                Ok(PublicKey::RSA(key)) => {
                    BigUint::from_bytes_be(key.modulus) == *own.n() && BigUint::from_bytes_be(key.exponent) == *own.e()
                }
                _ => false,
            },
            Self::P256(own) => {
                named.as_deref() == Some(P256) && own.public_key().to_encoded_point(false).as_bytes() == bytes
            }
            Self::P384(own) => {
                named.as_deref() == Some(P384) && own.public_key().to_encoded_point(false).as_bytes() == bytes
            }
            Self::Ed25519(own) => {
                key.algorithm.algorithm.to_id_string() == ED25519 && own.verifying_key().as_bytes() == bytes
            }
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, Problem> {
        let info = PrivateKeyInfo::try_from(der).map_err(|_| malformed())?;
        match info.algorithm.oid {
            RSA_ENCRYPTION => rsa_key(info.private_key),
            EC_PUBLIC_KEY => {
                let named = info.algorithm.parameters_oid().map_err(|_| explicit_curve())?;
                Self::from_sec1(info.private_key, Some(named))
            }
            oid if oid.to_string() == ED25519 => {
                // The seed is an OCTET STRING in the OCTET STRING: RFC 8410, section 7.
                let seed = match info.private_key {
                    [0x04, 32, seed @ ..] => seed.try_into().map_err(|_| malformed())?,
                    _ => return Err(malformed()),
                };
                Ok(Self::Ed25519(SigningKey::from_bytes(seed)))
            }
            _ => Err(unsupported()),
        }
    }

    /// The curve is named inside, or outside in PKCS#8.
    fn from_sec1(der: &[u8], outside: Option<ObjectIdentifier>) -> Result<Self, Problem> {
        if names_no_curve(der) {
            return Err(explicit_curve());
        }
        let parsed = sec1::EcPrivateKey::try_from(der).map_err(|_| malformed())?;
        let inside = parsed.parameters.and_then(sec1::EcParameters::named_curve);
        let named = outside.or(inside).map(|oid| oid.to_string());
        match named.as_deref() {
            Some(P256) => p256::SecretKey::from_slice(parsed.private_key).map(Self::P256).map_err(|_| malformed()),
            Some(P384) => p384::SecretKey::from_slice(parsed.private_key).map(Self::P384).map_err(|_| malformed()),
            _ => Err(unsupported()),
        }
    }
}

/// The key in the form that every reader accepts. PKCS#8 version 2 (RFC 5958)
/// carries the public key too, which OpenSSL 3.0 and its users cannot read:
/// such a key is written as version 1 (RFC 5208, RFC 8410 section 7).
pub(crate) fn portable(block: Pem) -> Pem {
    let rewritten = match PrivateKeyInfo::try_from(block.contents()) {
        Ok(info) if block.tag() == "PRIVATE KEY" && info.public_key.is_some() => {
            PrivateKeyInfo::new(info.algorithm, info.private_key).to_der().ok()
        }
        _ => None,
    };
    rewritten.map_or(block, |der| Pem::new("PRIVATE KEY", der))
}

/// Whether a SEC1 key (RFC 5915) has explicit curve parameters.
fn names_no_curve(der: &[u8]) -> bool {
    let parameters = AnyRef::from_der(der).and_then(|key| {
        key.sequence(|reader| {
            u8::decode(reader)?;
            OctetStringRef::decode(reader)?;
            let parameters = ContextSpecific::<AnyRef<'_>>::decode_explicit(reader, TagNumber::N0)?;
            reader.read_slice(reader.remaining_len())?;
            Ok(parameters)
        })
    });
    parameters.is_ok_and(|found| found.is_some_and(|found| found.value.tag() == Tag::Sequence))
}

/// Reads a PKCS#1 key and checks that its numbers are consistent, including
/// those of the Chinese remainder theorem: a server computes with them.
fn rsa_key(der: &[u8]) -> Result<PrivateKey, Problem> {
    let file = pkcs1::RsaPrivateKey::try_from(der).map_err(|_| malformed())?;
    if file.other_prime_infos.is_some() || file.modulus.as_bytes().len() > MAX_RSA_BYTES {
        return Err(unsupported());
    }
    let number = |number: pkcs1::UintRef<'_>| BigUint::from_bytes_be(number.as_bytes());
    let (p, q) = (number(file.prime1), number(file.prime2));
    let key = RsaPrivateKey::from_components(
        number(file.modulus),
        number(file.public_exponent),
        number(file.private_exponent),
        vec![p.clone(), q.clone()],
    )
    .map_err(|_| inconsistent())?;
    let one = BigUint::from(1_u8);
    let fits = key.d() % (&p - &one) == number(file.exponent1)
        && key.d() % (&q - &one) == number(file.exponent2)
        && (number(file.coefficient) * &q) % &p == one;
    if fits { Ok(PrivateKey::Rsa(Box::new(key))) } else { Err(inconsistent()) }
}

fn malformed() -> Problem {
    Problem::new("malformed-key", "Export the key again as PKCS#8, PKCS#1 or SEC1 PEM.")
}

fn unsupported() -> Problem {
    Problem::new("unsupported-key", "Use RSA, ECDSA on P-256 or P-384, or Ed25519.")
}

fn explicit_curve() -> Problem {
    let message = "Name the curve instead: openssl pkey -in key.pem -ec_param_enc named_curve -out named.pem";
    Problem::new("explicit-curve", message)
}

fn inconsistent() -> Problem {
    Problem::new("inconsistent-key", "The key is damaged; export it again.")
}

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// 8192 bits: the time of the arithmetic grows with the cube.
const MAX_RSA_BYTES: usize = 1024;
