//! A host for tests that really signs, with keys from a table.

use std::cell::RefCell;

use aws_lc_rs::{digest, hmac};

use super::{DigestAlgorithm, SignatureAlgorithm, Source};
use crate::http::wire;
use crate::{Error, Part, host};

/// Secrets are looked up by pointer or captured name; handles are positions.
#[derive(Default)]
pub(crate) struct Software {
    secrets: Vec<(&'static str, &'static str)>,
    now: i64,
    values: RefCell<Vec<Vec<u8>>>,
    signed: RefCell<Vec<String>>,
}

impl Software {
    pub(crate) fn new(secrets: Vec<(&'static str, &'static str)>, now: i64) -> Self {
        Self { secrets, now, ..Self::default() }
    }

    /// The messages of `sign`, which is not done.
    pub(crate) fn signed(&self) -> Vec<String> {
        self.signed.borrow().clone()
    }

    /// What the host would put on the wire.
    pub(crate) fn filled(&self, parts: &[Part]) -> String {
        let filled = parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Secret(name) | Part::Captured(name) => self.secret(name),
            Part::Hex(handle) => hex::encode(&self.values.borrow()[*handle as usize]),
            other => panic!("not in these tests: {other:?}"),
        });
        filled.collect()
    }

    fn secret(&self, name: &str) -> String {
        let found = self.secrets.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no secret {name}")).1.to_owned()
    }

    fn keep(&self, value: Vec<u8>) -> u32 {
        self.values.borrow_mut().push(value);
        u32::try_from(self.values.borrow().len() - 1).expect("few values")
    }

    fn mac(&self, key: u32, data: &[Part]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.values.borrow()[key as usize]);
        hmac::sign(&key, self.filled(data).as_bytes()).as_ref().to_vec()
    }
}

impl host::Host for Software {
    fn send(&self, _: &wire::Request) -> Result<wire::Response, wire::Error> {
        Err(wire::Error::Unsupported)
    }

    fn now(&self) -> Result<i64, Error> {
        Ok(self.now)
    }

    fn load(&self, source: &Source) -> Result<u32, Error> {
        let key = match source {
            Source::Secret((prefix, name)) | Source::Captured((prefix, name)) => prefix.clone() + &self.secret(name),
            Source::Pem(_) => String::new(),
        };
        Ok(self.keep(key.into_bytes()))
    }

    fn derive_hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        Ok(self.keep(self.mac(key, data)))
    }

    fn hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        Ok(self.keep(self.mac(key, data)))
    }

    fn sign(&self, _: u32, _: SignatureAlgorithm, data: &[Part]) -> Result<u32, Error> {
        self.signed.borrow_mut().push(self.filled(data));
        Ok(self.keep(Vec::new()))
    }

    fn digest(&self, _: DigestAlgorithm, data: &[Part]) -> Result<u32, Error> {
        Ok(self.keep(digest::digest(&digest::SHA256, self.filled(data).as_bytes()).as_ref().to_vec()))
    }

    fn digest_text(&self, _: DigestAlgorithm, data: &[u8]) -> Result<String, Error> {
        Ok(hex::encode(digest::digest(&digest::SHA256, data).as_ref()))
    }
}
