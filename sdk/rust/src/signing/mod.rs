//! Keys and signatures that never leave the host.
//!
//! A [`Key`] and an [`Output`] are handles, good for the rest of the call. An
//! output can be part of a request or of the next message ([`Parts::hex`]) and
//! cannot be read. Each use of a secret as a key needs a placement `key` in the
//! manifest.

pub mod jwt;
pub mod sigv4;

pub use crate::bindings::network::bursar::plugin::signing::{DigestAlgorithm, SignatureAlgorithm, Source};

use crate::http::{Parts, Secret};
use crate::{Error, host};

/// A key at the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key(u32);

/// A signature, MAC or digest at the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Output(u32);

impl Key {
    /// A prefix (`AWS4`, or empty) followed by the bytes of a secret.
    ///
    /// # Errors
    ///
    /// The host's: the manifest does not place the secret as a key.
    pub fn secret(prefix: &str, secret: Secret<'_>) -> Result<Self, Error> {
        Self::load(&Source::Secret((prefix.to_owned(), secret.0.to_owned())))
    }

    /// A PEM private key: the secret itself, or the string at the pointer
    /// `inside` if the secret is a JSON document. `inside` may be empty.
    ///
    /// # Errors
    ///
    /// As [`secret`](Self::secret), and when there is no such key.
    pub fn pem(secret: Secret<'_>, inside: &str) -> Result<Self, Error> {
        Self::load(&Source::Pem((secret.0.to_owned(), inside.to_owned())))
    }

    /// A prefix followed by what an earlier request captured under `name`.
    ///
    /// # Errors
    ///
    /// As [`secret`](Self::secret), and when nothing was captured.
    pub fn captured(prefix: &str, name: &str) -> Result<Self, Error> {
        Self::load(&Source::Captured((prefix.to_owned(), name.to_owned())))
    }

    /// A key from any source.
    ///
    /// # Errors
    ///
    /// The host's.
    pub fn load(source: &Source) -> Result<Self, Error> {
        host::load(source).map(Self)
    }

    /// The key that is the HMAC-SHA256 of `data` under this one.
    ///
    /// # Errors
    ///
    /// The host's.
    pub fn derive(self, data: impl Into<Parts>) -> Result<Self, Error> {
        host::derive_hmac_sha256(self.0, data.into().as_slice()).map(Self)
    }

    /// HMAC-SHA256 (RFC 2104).
    ///
    /// # Errors
    ///
    /// The host's.
    pub fn hmac_sha256(self, data: impl Into<Parts>) -> Result<Output, Error> {
        host::hmac_sha256(self.0, data.into().as_slice()).map(Output)
    }

    /// RS256 or ES256 (RFC 7518, sections 3.3 and 3.4).
    ///
    /// # Errors
    ///
    /// The host's: the key is not of that algorithm.
    pub fn sign(self, algorithm: SignatureAlgorithm, data: impl Into<Parts>) -> Result<Output, Error> {
        host::sign(self.0, algorithm, data.into().as_slice()).map(Output)
    }
}

impl Output {
    /// The host's number for it.
    #[must_use]
    pub fn handle(self) -> u32 {
        self.0
    }
}

/// The digest of data that may hold secrets.
///
/// # Errors
///
/// The host's.
pub fn digest(algorithm: DigestAlgorithm, data: impl Into<Parts>) -> Result<Output, Error> {
    host::digest(algorithm, data.into().as_slice()).map(Output)
}

/// The SHA-256 of data without secrets, in lower-case hex.
///
/// # Errors
///
/// The host's.
pub fn sha256_hex(data: impl AsRef<[u8]>) -> Result<String, Error> {
    host::digest_text(DigestAlgorithm::Sha256, data.as_ref())
}
