//! Runs cases of the network plane natively: fills in secrets and computes
//! HMACs in software. Placements, token endpoints, RS256 and ES256 need a real
//! host; `bursar plugin check` covers them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bursar_plugin_cases::{Case, Script, Sent, WireFailure};
use url::Url;

use crate::host::{self, Host, software::Software};
use crate::http::wire;
use crate::json::{Value, json};
use crate::signing::{DigestAlgorithm, SignatureAlgorithm, Source};
use crate::{Error, Part};

/// Runs `call` with the case's exchanges as its network. `None` if it needs a
/// real host, or if the plugin has no such call.
///
/// # Errors
///
/// The first request that differs from the case, or that was not sent.
pub(super) fn played(case: &Case, call: impl FnOnce() -> Option<Value>) -> Result<Option<Value>, String> {
    let player = Rc::new(Player {
        software: Software::new(case.data.clone(), json!({})),
        script: RefCell::new(Script::new(case.exchanges())),
        now: case.now(),
        needs_host: Cell::new(false),
    });
    let outcome = host::with(player.clone(), call);
    if outcome.is_none() || player.needs_host.get() {
        return Ok(None);
    }
    let script = player.script.borrow().clone();
    script.finish().map(|()| outcome)
}

struct Player {
    software: Software,
    script: RefCell<Script>,
    now: i64,
    /// Whether the call used something that only a real host offers.
    needs_host: Cell<bool>,
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
            self.needs_host.set(true);
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
        self.needs_host.set(true);
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
