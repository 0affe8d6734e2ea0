//! Detached signatures in the [minisign] format: `NAME.wasm.minisig` beside
//! `NAME.wasm`.
//!
//! [minisign]: https://jedisct1.github.io/minisign/

use std::fmt;
use std::str::FromStr;

use minisign_verify::{Error as VerifyError, PublicKey, Signature};

/// A key whose signatures count.
#[derive(Clone)]
pub struct TrustedKey {
    text: String,
    key: PublicKey,
}

/// What a signature proves about a component.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signed {
    /// There is none.
    Not,
    /// It was not checked: no key is trusted.
    Unchecked,
    /// By a key that is not trusted.
    Unknown,
    /// By this trusted key, as in the configuration.
    By(String),
}

impl Signed {
    /// The trusted key that signed.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::By(key) => Some(key),
            Self::Not | Self::Unchecked | Self::Unknown => None,
        }
    }
}

impl FromStr for TrustedKey {
    type Err = String;

    /// The one line of a minisign public key: `RW...`.
    fn from_str(text: &str) -> Result<Self, String> {
        let key = PublicKey::from_base64(text.trim()).map_err(|_| {
            format!("{} is not a minisign public key, which starts with RW", crate::text::sentence(text))
        })?;
        Ok(Self { text: text.trim().to_owned(), key })
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKey({})", self.text)
    }
}

/// Verifies the signature of a component.
///
/// # Errors
///
/// When it is not a signature, or a trusted key's that does not match: these are
/// not the bytes that were signed.
pub fn check_signature(keys: &[TrustedKey], bytes: &[u8], signature: Option<&str>) -> Result<Signed, String> {
    let Some(text) = signature else { return Ok(Signed::Not) };
    if keys.is_empty() {
        return Ok(Signed::Unchecked);
    }
    let signature =
        Signature::decode(text).map_err(|_| "the .minisig file beside it is not a minisign signature".to_owned())?;
    for trusted in keys {
        match trusted.key.verify(bytes, &signature, true) {
            Ok(()) => return Ok(Signed::By(trusted.text.clone())),
            Err(VerifyError::UnexpectedKeyId) => {}
            Err(_) => return Err(format!("its signature by the trusted key {trusted} does not match the file")),
        }
    }
    Ok(Signed::Unknown)
}
