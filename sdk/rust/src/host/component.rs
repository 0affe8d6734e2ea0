//! The imports of a component.

use super::{DigestAlgorithm, Error, Part, Request, Response, SendError, SignatureAlgorithm, Source};
use crate::bindings::network::bursar::plugin::{clock, http, signing};

pub(crate) fn send(request: &Request) -> Result<Response, SendError> {
    http::send(request)
}

pub(crate) fn now() -> Result<i64, Error> {
    clock::now()
}

pub(crate) fn load(source: &Source) -> Result<u32, Error> {
    signing::load(source)
}

pub(crate) fn derive_hmac_sha256(key: u32, data: &[Part]) -> Result<u32, Error> {
    signing::derive_hmac_sha256(key, data)
}

pub(crate) fn hmac_sha256(key: u32, data: &[Part]) -> Result<u32, Error> {
    signing::hmac_sha256(key, data)
}

pub(crate) fn sign(key: u32, algorithm: SignatureAlgorithm, data: &[Part]) -> Result<u32, Error> {
    signing::sign(key, algorithm, data)
}

pub(crate) fn digest(algorithm: DigestAlgorithm, data: &[Part]) -> Result<u32, Error> {
    signing::digest(algorithm, data)
}

pub(crate) fn digest_text(algorithm: DigestAlgorithm, data: &[u8]) -> Result<String, Error> {
    signing::digest_text(algorithm, data)
}
