//! A host's keys, digests and secret injection in software, for tests. It
//! checks no placements and has no token endpoints.

use std::cell::RefCell;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::json::Value;
use crate::signing::Source;
use crate::{Error, Part};

/// Secrets and handles of one call.
pub(crate) struct Software {
    /// The whole data.
    data: Value,
    /// Captured values, by name.
    captured: Value,
    /// Keys and outputs, by handle.
    values: RefCell<Vec<Vec<u8>>>,
}

impl Software {
    pub(crate) fn new(data: Value, captured: Value) -> Self {
        Self { data, captured, values: RefCell::default() }
    }

    /// The bytes that the host would send.
    pub(crate) fn filled(&self, parts: &[Part]) -> Result<Vec<u8>, Error> {
        let mut filled = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => filled.extend(text.as_bytes()),
                Part::Secret(pointer) => filled.extend(self.secret(pointer)?.as_bytes()),
                Part::Basic((user, pointer)) => {
                    let pair = BASE64_STANDARD.encode(format!("{user}:{}", self.secret(pointer)?));
                    filled.extend(format!("Basic {pair}").as_bytes());
                }
                Part::FormEncoded(pointer) => filled.extend(crate::http::encoded(self.secret(pointer)?).as_bytes()),
                Part::JsonEscaped(pointer) => {
                    let quoted = Value::from(self.secret(pointer)?).to_string();
                    filled.extend(&quoted.as_bytes()[1..quoted.len() - 1]);
                }
                Part::Captured(name) => filled.extend(self.captured(name)?.as_bytes()),
                Part::Hex(handle) => filled.extend(hex::encode(self.value(*handle)?).as_bytes()),
                Part::Base64(handle) => filled.extend(BASE64_STANDARD.encode(self.value(*handle)?).as_bytes()),
                Part::Base64url(handle) => {
                    filled.extend(BASE64_URL_SAFE_NO_PAD.encode(self.value(*handle)?).as_bytes());
                }
            }
        }
        Ok(filled)
    }

    pub(crate) fn load(&self, source: &Source) -> Result<u32, Error> {
        let key = match source {
            Source::Secret((prefix, pointer)) => format!("{prefix}{}", self.secret(pointer)?),
            Source::Captured((prefix, name)) => format!("{prefix}{}", self.captured(name)?),
            Source::Pem((pointer, _)) => self.secret(pointer)?.to_owned(),
        };
        Ok(self.store(key.into_bytes()))
    }

    /// HMAC-SHA256 under the key, stored as a key or an output.
    pub(crate) fn hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        let key = self.value(key)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| Error::Internal("not a key".into()))?;
        mac.update(&self.filled(data)?);
        Ok(self.store(mac.finalize().into_bytes().to_vec()))
    }

    pub(crate) fn sha256(&self, data: &[Part]) -> Result<u32, Error> {
        Ok(self.store(Sha256::digest(self.filled(data)?).to_vec()))
    }

    pub(crate) fn sha256_hex(data: &[u8]) -> String {
        hex::encode(Sha256::digest(data))
    }

    /// Stores a value and returns its handle.
    pub(crate) fn store(&self, value: Vec<u8>) -> u32 {
        let mut values = self.values.borrow_mut();
        values.push(value);
        u32::try_from(values.len() - 1).unwrap_or(u32::MAX)
    }

    fn value(&self, handle: u32) -> Result<Vec<u8>, Error> {
        let values = self.values.borrow();
        values.get(handle as usize).cloned().ok_or_else(|| Error::Internal(format!("there is no handle {handle}")))
    }

    fn secret(&self, pointer: &str) -> Result<&str, Error> {
        let secret = self.data.pointer(pointer).and_then(Value::as_str);
        secret.ok_or_else(|| Error::Internal(format!("the data has no text at {pointer}")))
    }

    fn captured(&self, name: &str) -> Result<&str, Error> {
        let captured = self.captured.get(name).and_then(Value::as_str);
        captured.ok_or_else(|| Error::Internal(format!("nothing was captured as {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Parts, Secret};
    use crate::json::json;

    #[test]
    fn every_kind_of_part_is_filled_in() {
        let software = Software::new(json!({ "key": "a\"b c" }), json!({ "token": "t" }));
        let filled = |parts: Parts| String::from_utf8(software.filled(parts.as_slice()).unwrap()).unwrap();
        let secret = Secret("/key");
        assert_eq!(filled(Parts::from("x").secret(secret).captured("token")), "xa\"b ct");
        assert_eq!(filled(Parts::new().basic("ann", secret)), "Basic YW5uOmEiYiBj");
        assert_eq!(filled(Parts::new().form_encoded(secret)), "a%22b%20c");
        assert_eq!(filled(Parts::new().json_escaped(secret)), "a\\\"b c");
        assert!(software.filled(Parts::from(Secret("/absent")).as_slice()).is_err());
    }

    /// RFC 4231, section 4.3.
    #[test]
    fn the_mac_is_the_standards() {
        let software = Software::new(json!({ "key": "Jefe" }), json!({}));
        let key = software.load(&Source::Secret((String::new(), "/key".into()))).unwrap();
        let mac = software.hmac_sha256(key, Parts::from("what do ya want for nothing?").as_slice()).unwrap();
        let hex = software.filled(&[Part::Hex(mac)]).unwrap();
        assert_eq!(hex, b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
