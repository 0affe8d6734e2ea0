//! The contract's imports. In the pure plane each answers `unsupported`.

use wasmtime::component::{HasSelf, Linker};

use super::bindings::bursar::plugin::{clock, http, log, signing, types};
use crate::imports::SandboxState;
use crate::network::keys::{DigestAlgorithm, KeySource, SignatureAlgorithm, SigningError};
use crate::network::log::Level;
use crate::network::plane::Plane;
use crate::network::request::{Encoding, Field, Part, Request, SendError};

/// Offers the contract's imports.
///
/// # Errors
///
/// When a name is taken, which is a defect of ours.
pub(crate) fn add_to_linker(linker: &mut Linker<SandboxState>) -> wasmtime::Result<()> {
    types::add_to_linker::<SandboxState, HasSelf<SandboxState>>(linker, |state| state)?;
    log::add_to_linker::<SandboxState, HasSelf<SandboxState>>(linker, |state| state)?;
    clock::add_to_linker::<SandboxState, HasSelf<SandboxState>>(linker, |state| state)?;
    http::add_to_linker::<SandboxState, HasSelf<SandboxState>>(linker, |state| state)?;
    signing::add_to_linker::<SandboxState, HasSelf<SandboxState>>(linker, |state| state)
}

impl types::Host for SandboxState {}

impl log::Host for SandboxState {
    fn log(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.logged(level, &message);
    }
}

impl clock::Host for SandboxState {
    fn now(&mut self) -> Result<i64, types::Error> {
        Ok(self.plane().ok_or_else(pure)?.now())
    }
}

impl http::Host for SandboxState {
    async fn send(&mut self, request: http::Request) -> wasmtime::Result<Result<http::Response, http::Error>> {
        let Some(plane) = self.plane() else {
            return Ok(Err(http::Error::Unsupported));
        };
        let answer = plane.send(request.into()).await.map_err(wasmtime::Error::new)?;
        Ok(answer.map_err(http::Error::from).map(|response| http::Response {
            status: response.status,
            headers: response.headers,
            body: response.body,
            captured: response.captured,
        }))
    }
}

impl signing::Host for SandboxState {
    fn load(&mut self, source: signing::Source) -> Result<u32, types::Error> {
        let source = match source {
            signing::Source::Secret((prefix, pointer)) => KeySource::Secret { prefix, pointer },
            signing::Source::Pem((pointer, inside)) => KeySource::Pem { pointer, inside },
            signing::Source::Captured((prefix, name)) => KeySource::Captured { prefix, name },
        };
        self.sign_with(|plane| plane.load_key(source))
    }

    fn derive_hmac_sha256(&mut self, key: u32, data: Vec<types::Part>) -> Result<u32, types::Error> {
        self.sign_with(|plane| plane.derive_key(key, &parts(data)))
    }

    fn hmac_sha256(&mut self, key: u32, data: Vec<types::Part>) -> Result<u32, types::Error> {
        self.sign_with(|plane| plane.hmac(key, &parts(data)))
    }

    fn sign(
        &mut self,
        key: u32,
        algorithm: signing::SignatureAlgorithm,
        data: Vec<types::Part>,
    ) -> Result<u32, types::Error> {
        let algorithm = match algorithm {
            signing::SignatureAlgorithm::Rs256 => SignatureAlgorithm::Rs256,
            signing::SignatureAlgorithm::Es256 => SignatureAlgorithm::Es256,
        };
        self.sign_with(|plane| plane.sign(key, algorithm, &parts(data)))
    }

    fn digest(&mut self, algorithm: signing::DigestAlgorithm, data: Vec<types::Part>) -> Result<u32, types::Error> {
        self.sign_with(|plane| plane.digest(algorithm.into(), &parts(data)))
    }

    fn digest_text(&mut self, algorithm: signing::DigestAlgorithm, data: Vec<u8>) -> Result<String, types::Error> {
        self.sign_with(|plane| plane.digest_text(algorithm.into(), &data))
    }
}

impl SandboxState {
    fn sign_with<T>(&mut self, sign: impl FnOnce(&mut Plane) -> Result<T, SigningError>) -> Result<T, types::Error> {
        sign(self.plane().ok_or_else(pure)?).map_err(types::Error::from)
    }
}

fn pure() -> types::Error {
    types::Error::Unsupported("there is neither clock nor keys in the pure plane".to_owned())
}

fn parts(raw: Vec<types::Part>) -> Vec<Part> {
    raw.into_iter().map(Part::from).collect()
}

fn fields(raw: Vec<http::Field>) -> Vec<Field> {
    raw.into_iter().map(|field| Field { name: field.name, value: parts(field.value) }).collect()
}

impl From<http::Request> for Request {
    fn from(raw: http::Request) -> Self {
        Self {
            method: raw.method,
            url: raw.url,
            query: fields(raw.query),
            headers: fields(raw.headers),
            body: raw.body.map(parts),
            endpoint: raw.endpoint,
        }
    }
}

impl From<types::Part> for Part {
    fn from(raw: types::Part) -> Self {
        match raw {
            types::Part::Text(text) => Self::Text(text),
            types::Part::Secret(pointer) => Self::Secret(pointer),
            types::Part::Basic((user, pointer)) => Self::Basic(user, pointer),
            types::Part::FormEncoded(pointer) => Self::FormEncoded(pointer),
            types::Part::JsonEscaped(pointer) => Self::JsonEscaped(pointer),
            types::Part::Captured(name) => Self::Captured(name),
            types::Part::Hex(handle) => Self::Output(handle, Encoding::Hex),
            types::Part::Base64(handle) => Self::Output(handle, Encoding::Base64),
            types::Part::Base64url(handle) => Self::Output(handle, Encoding::Base64Url),
        }
    }
}

impl From<signing::DigestAlgorithm> for DigestAlgorithm {
    fn from(raw: signing::DigestAlgorithm) -> Self {
        match raw {
            signing::DigestAlgorithm::Sha1 => Self::Sha1,
            signing::DigestAlgorithm::Sha256 => Self::Sha256,
        }
    }
}

impl From<SendError> for http::Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Denied(rule) => Self::Denied(rule),
            SendError::Timeout => Self::Timeout,
            SendError::TooLarge => Self::TooLarge,
            SendError::Unreachable => Self::Transport("the host could not be reached".to_owned()),
        }
    }
}

impl From<SigningError> for types::Error {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Denied(rule) => Self::Denied(rule),
            SigningError::NotFound(what) => Self::NotFound(what),
            SigningError::NoKey { pointer } => Self::Invalid(vec![types::Violation {
                pointer,
                code: "invalid".to_owned(),
                message: "This must hold a private key in PEM: RSA, or an elliptic-curve key on P-256.".to_owned(),
            }]),
        }
    }
}
