//! Cases of the network plane, natively: secrets are filled in and HMACs made
//! in software. What needs a real host is left to `bursar plugin check`:
//! placements, token endpoints, RS256 and ES256.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bursar_plugin_cases::{Case, Script, Sent, WireFailure};
use url::Url;

use crate::host::{self, Host, software::Software};
use crate::http::wire;
use crate::json::{Value, json};
use crate::signing::{DigestAlgorithm, SignatureAlgorithm, Source};
use crate::{Error, Part};

/// Runs `call` with the case's exchanges as its network. None when it takes a
/// real host, or when the plugin has no such call.
///
/// # Errors
///
/// What was sent otherwise than the case says, or not at all.
pub(super) fn played(case: &Case, call: impl FnOnce() -> Option<Value>) -> Result<Option<Value>, String> {
    let player = Rc::new(Player {
        software: Software::new(case.data.clone(), json!({})),
        script: RefCell::new(Script::new(case.exchanges())),
        now: case.now(),
        beyond: Cell::new(false),
    });
    let outcome = host::with(player.clone(), call);
    if outcome.is_none() || player.beyond.get() {
        return Ok(None);
    }
    let script = player.script.borrow().clone();
    script.finish().map(|()| outcome)
}

struct Player {
    software: Software,
    script: RefCell<Script>,
    now: i64,
    /// Whether something was asked for that takes a real host.
    beyond: Cell<bool>,
}

impl Player {
    /// The request as it would go on the wire.
    fn sent(&self, request: &wire::Request) -> Result<Sent, Error> {
        let text = |parts: &[Part]| self.software.filled(parts).map(|it| String::from_utf8_lossy(&it).into_owned());
        let mut url = Url::parse(&request.url).map_err(|_| Error::Internal(format!("{} is no URL", request.url)))?;
        if !request.query.is_empty() {
            let mut pairs = Vec::new();
            for field in &request.query {
                pairs.push((field.name.clone(), text(&field.value)?));
            }
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let mut headers = Vec::new();
        for field in &request.headers {
            headers.push((field.name.to_ascii_lowercase(), self.software.filled(&field.value)?));
        }
        let body = self.software.filled(request.body.as_deref().unwrap_or_default())?;
        Ok(Sent { method: request.method.clone(), url, headers, body })
    }
}

impl Host for Player {
    fn send(&self, request: &wire::Request) -> Result<wire::Response, wire::Error> {
        if request.endpoint.is_some() {
            self.beyond.set(true);
            return Err(wire::Error::Unsupported);
        }
        let sent = self.sent(request).map_err(|error| wire::Error::Denied(error.to_string()))?;
        let mut script = self.script.borrow_mut();
        let answer = script.answer(&sent).ok_or_else(|| wire::Error::Transport("not in the case".into()))?;
        match answer.failure {
            Some(WireFailure::Timeout) => Err(wire::Error::Timeout),
            Some(WireFailure::Connection) => Err(wire::Error::Transport("no connection".into())),
            None => Ok(wire::Response {
                status: answer.status.unwrap_or_default(),
                headers: answer.headers(),
                body: answer.bytes(),
                captured: Vec::new(),
            }),
        }
    }

    fn now(&self) -> Result<i64, Error> {
        Ok(self.now)
    }

    fn load(&self, source: &Source) -> Result<u32, Error> {
        self.software.load(source)
    }

    fn derive_hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        self.software.hmac_sha256(key, data)
    }

    fn hmac_sha256(&self, key: u32, data: &[Part]) -> Result<u32, Error> {
        self.software.hmac_sha256(key, data)
    }

    fn sign(&self, _: u32, _: SignatureAlgorithm, _: &[Part]) -> Result<u32, Error> {
        self.beyond.set(true);
        Err(Error::Unsupported("no such signature in software".into()))
    }

    fn digest(&self, algorithm: DigestAlgorithm, data: &[Part]) -> Result<u32, Error> {
        match algorithm {
            DigestAlgorithm::Sha256 => self.software.sha256(data),
            DigestAlgorithm::Sha1 => Err(Error::Unsupported("no SHA-1 in software".into())),
        }
    }

    fn digest_text(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Result<String, Error> {
        match algorithm {
            DigestAlgorithm::Sha256 => Ok(Software::sha256_hex(data)),
            DigestAlgorithm::Sha1 => Err(Error::Unsupported("no SHA-1 in software".into())),
        }
    }
}
