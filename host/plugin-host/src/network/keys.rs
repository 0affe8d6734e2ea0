//! Keys and signatures that never leave the host.
//!
//! Each remembers the secrets it is made from: a signature may go where every
//! one of them has a `key` placement, and nowhere else.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use bursar_kernel::plugin::Manifest;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::assemble::{self, FilledPart};
use super::call_secrets::{CallSecrets, Origin};
use super::placements::permit_key;
use super::request::{Denial, Part};

/// Where a key comes from.
pub(crate) enum KeySource {
    /// The bytes of the secret at the pointer, after a prefix.
    Secret { prefix: String, pointer: String },
    /// A PEM private key: the secret itself, or a text in the secret's document.
    Pem { pointer: String, inside: String },
    /// The value captured under the name, after a prefix.
    Captured { prefix: String, name: String },
}

/// FIPS 180-4.
#[derive(Clone, Copy)]
pub(crate) enum DigestAlgorithm {
    Sha1,
    Sha256,
}

/// RFC 7518, section 3.1.
#[derive(Clone, Copy)]
pub(crate) enum SignatureAlgorithm {
    Rs256,
    Es256,
}

/// Why there is no key or signature.
pub(crate) enum SigningError {
    /// The rule.
    Denied(String),
    /// The secret is not set.
    NotFound(String),
    /// The secret at this pointer is not a usable key.
    NoKey { pointer: String },
}

/// The keys and signatures of one call, by handle. No `Debug`.
#[derive(Default)]
pub(crate) struct Keys {
    loaded: Vec<Key>,
    made: Vec<Output>,
    /// Digests reported as text.
    reported_digests: usize,
}

struct Key {
    material: KeyMaterial,
    origins: BTreeSet<Origin>,
}

enum KeyMaterial {
    Bytes(Zeroizing<Vec<u8>>),
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

struct Output {
    bytes: Zeroizing<Vec<u8>>,
    origins: BTreeSet<Origin>,
}

/// What signing reads.
pub(crate) struct KeyAccess<'a> {
    pub(crate) secrets: &'a CallSecrets,
    pub(crate) manifest: &'a Manifest,
}

impl KeyAccess<'_> {
    fn permit_key(&self, origin: &Origin) -> Result<(), Denial> {
        permit_key(self.manifest, self.secrets.taints(), origin)
    }
}

impl Keys {
    /// Loads a key.
    ///
    /// # Errors
    ///
    /// See [`SigningError`].
    pub(crate) fn load(&mut self, source: KeySource, access: &KeyAccess<'_>) -> Result<u32, SigningError> {
        room(self.loaded.len())?;
        let (material, origin) = match source {
            KeySource::Secret { prefix, pointer } => {
                require_set(access.secrets, &pointer)?;
                let (origin, value) = access.secrets.secret(&pointer)?;
                (KeyMaterial::behind(&prefix, &value), origin)
            }
            KeySource::Captured { prefix, name } => {
                let (origin, value) = access.secrets.captured(&name)?;
                (KeyMaterial::behind(&prefix, &value), origin)
            }
            KeySource::Pem { pointer, inside } => {
                require_set(access.secrets, &pointer)?;
                let origin = Origin::Config(pointer.clone());
                access.permit_key(&origin)?;
                let material = access.secrets.inside(&pointer, &inside)?.and_then(|pem| KeyMaterial::of_pem(&pem));
                (material.ok_or(SigningError::NoKey { pointer })?, origin)
            }
        };
        access.permit_key(&origin)?;
        self.keep_key(Key { material, origins: BTreeSet::from([origin]) })
    }

    /// A key that is the HMAC-SHA256 of `data` under `key`.
    ///
    /// # Errors
    ///
    /// See [`SigningError`].
    pub(crate) fn derive(&mut self, key: u32, data: &[Part], access: &KeyAccess<'_>) -> Result<u32, SigningError> {
        room(self.loaded.len())?;
        let (bytes, origins) = self.mac(key, data, access)?;
        self.keep_key(Key { material: KeyMaterial::Bytes(bytes), origins })
    }

    /// The HMAC-SHA256 of `data` under `key` (RFC 2104).
    ///
    /// # Errors
    ///
    /// See [`SigningError`].
    pub(crate) fn hmac(&mut self, key: u32, data: &[Part], access: &KeyAccess<'_>) -> Result<u32, SigningError> {
        room(self.made.len())?;
        let (bytes, origins) = self.mac(key, data, access)?;
        self.keep_output(Output { bytes, origins })
    }

    /// A signature of `data` (RFC 7518, sections 3.3 and 3.4).
    ///
    /// # Errors
    ///
    /// See [`SigningError`].
    pub(crate) fn sign(
        &mut self,
        key: u32,
        algorithm: SignatureAlgorithm,
        data: &[Part],
        access: &KeyAccess<'_>,
    ) -> Result<u32, SigningError> {
        room(self.made.len())?;
        let (message, mut origins) = self.message(data, access)?;
        let key = self.key(key)?;
        let random = SystemRandom::new();
        let failed = |_| SigningError::Denied("the key does not sign".to_owned());
        let bytes = match (&key.material, algorithm) {
            (KeyMaterial::Rsa(pair), SignatureAlgorithm::Rs256) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).map_err(failed)?;
                signature
            }
            (KeyMaterial::Ec(pair), SignatureAlgorithm::Es256) => {
                pair.sign(&random, &message).map_err(failed)?.as_ref().to_vec()
            }
            _ => return Err(SigningError::Denied("the key is not one for this algorithm".to_owned())),
        };
        origins.extend(key.origins.iter().cloned());
        self.keep_output(Output { bytes: Zeroizing::new(bytes), origins })
    }

    /// The digest of `data`, as a handle.
    ///
    /// # Errors
    ///
    /// See [`SigningError`].
    pub(crate) fn digest(
        &mut self,
        algorithm: DigestAlgorithm,
        data: &[Part],
        access: &KeyAccess<'_>,
    ) -> Result<u32, SigningError> {
        room(self.made.len())?;
        let (message, origins) = self.message(data, access)?;
        self.keep_output(Output { bytes: Zeroizing::new(hash(algorithm, &message)), origins })
    }

    /// The digest of the plugin's own data, in lower-case hex.
    ///
    /// # Errors
    ///
    /// When asked too often.
    pub(crate) fn digest_text(&mut self, algorithm: DigestAlgorithm, data: &[u8]) -> Result<String, SigningError> {
        self.reported_digests += 1;
        if self.reported_digests > MAX_REPORTED_DIGESTS {
            return Err(SigningError::Denied("more than 256 digests in a call".to_owned()));
        }
        Ok(hex::encode(hash(algorithm, data)))
    }

    /// A signature or digest, and the secrets it is made from.
    ///
    /// # Errors
    ///
    /// When there is no such handle.
    pub(crate) fn output(&self, handle: u32) -> Result<(&[u8], &BTreeSet<Origin>), Denial> {
        let output = usize::try_from(handle).ok().and_then(|handle| self.made.get(handle));
        let output = output.ok_or_else(|| Denial::new("a part names a signature that there is not"))?;
        Ok((&output.bytes, &output.origins))
    }

    fn mac(
        &self,
        key: u32,
        data: &[Part],
        access: &KeyAccess<'_>,
    ) -> Result<(Zeroizing<Vec<u8>>, BTreeSet<Origin>), SigningError> {
        let (message, mut origins) = self.message(data, access)?;
        let key = self.key(key)?;
        let KeyMaterial::Bytes(bytes) = &key.material else {
            return Err(SigningError::Denied("the key is not one for this algorithm".to_owned()));
        };
        origins.extend(key.origins.iter().cloned());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), &message);
        Ok((Zeroizing::new(tag.as_ref().to_vec()), origins))
    }

    /// Assembles what is signed. A secret in it needs a `key` placement too, which
    /// restricts where the result may go.
    fn message(
        &self,
        data: &[Part],
        access: &KeyAccess<'_>,
    ) -> Result<(Zeroizing<Vec<u8>>, BTreeSet<Origin>), SigningError> {
        if data.len() > MAX_PARTS {
            return Err(SigningError::Denied("a message has more than 32 parts".to_owned()));
        }
        let (mut message, mut origins) = (Zeroizing::new(Vec::new()), BTreeSet::new());
        for part in data {
            if let Part::Output(handle, encoding) = part {
                let (bytes, from) = self.output(*handle)?;
                message.extend_from_slice(&assemble::encode(bytes, *encoding));
                origins.extend(from.iter().cloned());
                continue;
            }
            match assemble::piece(part, access.secrets)? {
                FilledPart::Plain(bytes) | FilledPart::Made(bytes) => message.extend_from_slice(&bytes),
                FilledPart::Secret { origin, written, .. } => {
                    access.permit_key(&origin)?;
                    message.extend_from_slice(&written);
                    origins.insert(origin);
                }
            }
        }
        Ok((message, origins))
    }

    fn key(&self, handle: u32) -> Result<&Key, SigningError> {
        let key = usize::try_from(handle).ok().and_then(|handle| self.loaded.get(handle));
        key.ok_or_else(|| SigningError::Denied("there is no such key".to_owned()))
    }

    fn keep_key(&mut self, key: Key) -> Result<u32, SigningError> {
        let handle = room(self.loaded.len())?;
        self.loaded.push(key);
        Ok(handle)
    }

    fn keep_output(&mut self, output: Output) -> Result<u32, SigningError> {
        let handle = room(self.made.len())?;
        self.made.push(output);
        Ok(handle)
    }
}

impl KeyMaterial {
    fn behind(prefix: &str, value: &[u8]) -> Self {
        Self::Bytes(Zeroizing::new([prefix.as_bytes(), value].concat()))
    }

    /// PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`, P-256).
    fn of_pem(pem: &str) -> Option<Self> {
        let rsa = |pair: RsaKeyPair| Self::Rsa(Box::new(pair));
        let ec = |pair: EcdsaKeyPair| Self::Ec(Box::new(pair));
        let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(rsa),
            PrivateKeyDer::Sec1(der) => EcdsaKeyPair::from_private_key_der(curve, der.secret_sec1_der()).ok().map(ec),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                let pair = RsaKeyPair::from_pkcs8(der).ok().map(rsa);
                pair.or_else(|| EcdsaKeyPair::from_pkcs8(curve, der).ok().map(ec))
            }
            _ => None,
        }
    }
}

impl From<Denial> for SigningError {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial.rule)
    }
}

/// A plugin may ask for a key to learn whether an optional secret is set.
fn require_set(secrets: &CallSecrets, pointer: &str) -> Result<(), SigningError> {
    if secrets.has(pointer) { Ok(()) } else { Err(SigningError::NotFound("the secret is not set".to_owned())) }
}

fn hash(algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        DigestAlgorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlgorithm::Sha256 => &SHA256,
    };
    digest(algorithm, data).as_ref().to_vec()
}

/// The next handle, where `count` are in use.
fn room(count: usize) -> Result<u32, SigningError> {
    let full = || SigningError::Denied("more than 64 keys or more than 64 signatures and digests in a call".to_owned());
    u32::try_from(count).ok().filter(|_| count < MAX_HANDLES).ok_or_else(full)
}

const MAX_HANDLES: usize = 64;
const MAX_REPORTED_DIGESTS: usize = 256;
/// Parts of one value.
pub(crate) const MAX_PARTS: usize = 32;
