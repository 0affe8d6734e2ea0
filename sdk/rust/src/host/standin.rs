//! Replaces the imports in native builds.

use std::cell::RefCell;
use std::rc::Rc;

use super::{DigestAlgorithm, Error, Part, Request, Response, SendError, SignatureAlgorithm, Source};

/// A host provided by a test. The functions are those of the WIT.
#[expect(missing_docs, reason = "the WIT's functions; its files hold the docs")]
#[expect(clippy::missing_errors_doc, reason = "the WIT's functions; its files hold the docs")]
pub trait Host {
    fn send(&self, request: &Request) -> Result<Response, SendError>;

    fn now(&self) -> Result<i64, Error> {
        Err(no_host())
    }

    fn load(&self, source: &Source) -> Result<u32, Error> {
        let _ = source;
        Err(no_host())
    }

    fn derive_hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        let _ = (key, data);
        Err(no_host())
    }

    fn hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        let _ = (key, data);
        Err(no_host())
    }

    fn sign(&self, key: u32, algorithm: SignatureAlgorithm, data: &[Part]) -> Result<u32, Error> {
        let _ = (key, algorithm, data);
        Err(no_host())
    }

    fn digest(&self, algorithm: DigestAlgorithm, data: &[Part]) -> Result<u32, Error> {
        let _ = (algorithm, data);
        Err(no_host())
    }

    fn digest_text(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Result<String, Error> {
        let _ = (algorithm, data);
        Err(no_host())
    }
}

/// Runs `call` with `host` in place of the imports, on this thread.
pub fn with<R>(host: Rc<dyn Host>, call: impl FnOnce() -> R) -> R {
    /// Restores the previous host, even if `call` panics.
    struct Restore(Option<Rc<dyn Host>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HOST.replace(self.0.take());
        }
    }
    let _restore = Restore(HOST.replace(Some(host)));
    call()
}

pub(crate) fn send(request: &Request) -> Result<Response, SendError> {
    current().ok_or(SendError::Unsupported)?.send(request)
}

pub(crate) fn now() -> Result<i64, Error> {
    current().ok_or_else(no_host)?.now()
}

pub(crate) fn load(source: &Source) -> Result<u32, Error> {
    current().ok_or_else(no_host)?.load(source)
}

pub(crate) fn derive_hmac_sha256(key: u32, data: &[Part]) -> Result<u32, Error> {
    current().ok_or_else(no_host)?.derive_hmac_sha256(key, data)
}

pub(crate) fn hmac_sha256(key: u32, data: &[Part]) -> Result<u32, Error> {
    current().ok_or_else(no_host)?.hmac_sha256(key, data)
}

pub(crate) fn sign(key: u32, algorithm: SignatureAlgorithm, data: &[Part]) -> Result<u32, Error> {
    current().ok_or_else(no_host)?.sign(key, algorithm, data)
}

pub(crate) fn digest(algorithm: DigestAlgorithm, data: &[Part]) -> Result<u32, Error> {
    current().ok_or_else(no_host)?.digest(algorithm, data)
}

pub(crate) fn digest_text(algorithm: DigestAlgorithm, data: &[u8]) -> Result<String, Error> {
    current().ok_or_else(no_host)?.digest_text(algorithm, data)
}

fn current() -> Option<Rc<dyn Host>> {
    HOST.with_borrow(Clone::clone)
}

fn no_host() -> Error {
    Error::Unsupported("a native build has no host".into())
}

thread_local! {
    static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
}
