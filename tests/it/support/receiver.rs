//! A receiver of the `webhook` target: careful as its author should be, and
//! unwell when a test says so.
//!
//! It is served by hyper and not by axum, whose handlers cannot end a
//! connection without an answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A running receiver. It ends with the last clone, and belongs to the runtime
/// it was started on.
#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    key: String,
    state: Arc<Mutex<State>>,
    _serving: Arc<Serving>,
}

/// What is at one place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// Ids of installation, account and credential.
    pub(crate) owner: [String; 3],
    /// The credential's version.
    pub(crate) version: u64,
    /// Names and bytes.
    pub(crate) artifacts: BTreeMap<String, Vec<u8>>,
    /// The body that was sent.
    pub(crate) body: Value,
}

/// What has come in so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    /// Requests, whatever came of them.
    pub(crate) requests: usize,
    /// Writes that were applied.
    pub(crate) written: usize,
    /// Of these, writes of what was there already.
    pub(crate) unchanged: usize,
    /// Removals that were applied.
    pub(crate) removed: usize,
    /// Removals of what was not there.
    pub(crate) missed: usize,
    /// Requests with a key whose request was applied before.
    pub(crate) duplicates: usize,
    /// Of these, such with another body.
    pub(crate) altered: usize,
    /// Requests for a place of somebody else's.
    pub(crate) foreign: usize,
    /// Requests without a signature that holds and is new enough.
    pub(crate) bad_signatures: usize,
    /// Requests that are not as the contract says.
    pub(crate) malformed: usize,
    /// Requests that a fault was put in the way of.
    pub(crate) faults: usize,
}

/// What goes wrong with a request. All come after the whole request was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// This is answered and nothing applied.
    Answer { status: u16, retry_after: Option<u32> },
    /// It is taken after so long.
    Delay(Duration),
    /// It is never answered and nothing applied.
    Hang,
    /// The connection ends and nothing is applied.
    DropBefore,
    /// It is applied, and the connection ends without an answer.
    DropAfter,
}

/// Which requests a fault meets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meets {
    /// All until [`Receiver::heal`].
    All,
    /// The next so many.
    Next(usize),
    /// This share of them, from 0 to 1, spread evenly.
    Share(f64),
}

impl Receiver {
    /// Starts one whose signatures are made with `key`.
    pub(crate) async fn start(key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::new(key)));
        let serving = Arc::new(Serving(tokio::spawn(serve(listener, Arc::clone(&state)))));
        Self { address, key: key.to_owned(), state, _serving: serving }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The settings of a region that leads here.
    pub(crate) fn settings(&self) -> Value {
        json!({ "url": self.url(), "secret": self.key })
    }

    /// What is where.
    pub(crate) fn held(&self) -> BTreeMap<String, Held> {
        self.state().held.clone()
    }

    /// What is at a place.
    pub(crate) fn at(&self, place: &str) -> Option<Held> {
        self.state().held.get(place).cloned()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts
    }

    /// How many writes were applied at a place.
    pub(crate) fn writes_at(&self, place: &str) -> usize {
        self.state().writes.get(place).copied().unwrap_or_default()
    }

    /// Somebody else has this place from now on.
    pub(crate) fn claim(&self, place: &str) {
        self.state().foreign.insert(place.to_owned());
    }

    /// The place is free again.
    pub(crate) fn release(&self, place: &str) {
        self.state().foreign.remove(place);
    }

    /// Puts a fault in the way. The first that meets a request decides.
    pub(crate) fn fault(&self, fault: Fault, meets: Meets) {
        self.state().faults.push(Rule { fault, meets, carry: 0.0 });
    }

    /// Takes every fault away.
    pub(crate) fn heal(&self) {
        self.state().faults.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Ends the listener and its connections.
struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct State {
    key: hmac::Key,
    held: BTreeMap<String, Held>,
    writes: HashMap<String, usize>,
    /// By idempotency key: what was sent with it, and the answer.
    applied: HashMap<String, (Bytes, Value)>,
    foreign: BTreeSet<String>,
    faults: Vec<Rule>,
    counts: Counts,
}

struct Rule {
    fault: Fault,
    meets: Meets,
    /// What is due of a share; a fault is when it comes to 1.
    carry: f64,
}

impl Rule {
    fn meets(&mut self) -> bool {
        match &mut self.meets {
            Meets::All => true,
            Meets::Next(0) => false,
            Meets::Next(left) => {
                *left -= 1;
                true
            }
            Meets::Share(share) => {
                self.carry += *share;
                let due = self.carry >= 1.0;
                self.carry -= if due { 1.0 } else { 0.0 };
                due
            }
        }
    }
}

impl State {
    fn new(key: &str) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            held: BTreeMap::new(),
            writes: HashMap::new(),
            applied: HashMap::new(),
            foreign: BTreeSet::new(),
            faults: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Counts a request, and says what is to go wrong with it.
    fn arrive(&mut self) -> Option<Fault> {
        self.counts.requests += 1;
        let fault = self.faults.iter_mut().find_map(|rule| rule.meets().then_some(rule.fault))?;
        self.counts.faults += 1;
        Some(fault)
    }

    fn take(&mut self, method: &Method, headers: &HeaderMap, body: &Bytes) -> Answer {
        if !signed(&self.key, headers, body) {
            self.counts.bad_signatures += 1;
            return (StatusCode::UNAUTHORIZED, json!({ "message": "the signature does not hold" }));
        }
        match *method {
            Method::OPTIONS => (StatusCode::OK, json!({})),
            Method::PUT | Method::DELETE => self.apply(method, headers, body).unwrap_or_else(|why| {
                self.counts.malformed += 1;
                (StatusCode::BAD_REQUEST, json!({ "message": why }))
            }),
            _ => (StatusCode::METHOD_NOT_ALLOWED, json!({})),
        }
    }

    fn apply(&mut self, method: &Method, headers: &HeaderMap, body: &Bytes) -> Result<Answer, &'static str> {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).ok_or("no Idempotency-Key")?;
        if let Some((before, answer)) = self.applied.get(key) {
            self.counts.duplicates += 1;
            if before != body {
                self.counts.altered += 1;
                return Err("another body under a known Idempotency-Key");
            }
            return Ok((StatusCode::OK, answer.clone()));
        }
        let sent: Value = serde_json::from_slice(body).map_err(|_| "the body is not JSON")?;
        let place = sent["place"].as_str().ok_or("no place")?.to_owned();
        let owner = owner(&sent).ok_or("no owner")?;
        let others = self.held.get(&place).is_some_and(|held| held.owner != owner);
        if others || self.foreign.contains(&place) {
            self.counts.foreign += 1;
            let told = json!({ "foreign": true, "message": "somebody else's" });
            return Ok((StatusCode::CONFLICT, told));
        }
        if *method == Method::DELETE {
            if self.held.remove(&place).is_none() {
                self.counts.missed += 1;
                return Ok((StatusCode::NOT_FOUND, json!({})));
            }
            self.counts.removed += 1;
            self.applied.insert(key.to_owned(), (body.clone(), json!({})));
            return Ok((StatusCode::OK, json!({})));
        }
        let version = sent["credential"]["version"].as_u64().ok_or("no version")?;
        let held = Held { owner, version, artifacts: artifacts(&sent).ok_or("no artifacts")?, body: sent };
        self.counts.written += 1;
        if self.held.get(&place).is_some_and(|before| before.artifacts == held.artifacts) {
            self.counts.unchanged += 1;
        }
        let writes = self.writes.entry(place.clone()).or_default();
        *writes += 1;
        let receipt = json!({ "receipt": format!("write {writes}") });
        self.held.insert(place, held);
        self.applied.insert(key.to_owned(), (body.clone(), receipt.clone()));
        Ok((StatusCode::OK, receipt))
    }
}

type Answer = (StatusCode, Value);

fn owner(sent: &Value) -> Option<[String; 3]> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some([text(&sent["installation"])?, text(&sent["account"]["id"])?, text(&sent["credential"]["id"])?])
}

fn artifacts(sent: &Value) -> Option<BTreeMap<String, Vec<u8>>> {
    let list = sent["artifacts"].as_array().filter(|list| !list.is_empty())?;
    list.iter()
        .map(|artifact| {
            let content = artifact["content"].as_str()?;
            let bytes = match artifact["encoding"].as_str()? {
                "utf-8" => content.as_bytes().to_vec(),
                "base64" => BASE64_STANDARD.decode(content).ok()?,
                _ => return None,
            };
            Some((artifact["name"].as_str()?.to_owned(), bytes))
        })
        .collect()
}

/// `t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`, not older than five minutes.
fn signed(key: &hmac::Key, headers: &HeaderMap, body: &[u8]) -> bool {
    let parts = headers
        .get("x-bursar-signature")
        .and_then(|header| header.to_str().ok()?.strip_prefix("t=")?.split_once(",v1="))
        .and_then(|(time, mac)| Some((time, time.parse().ok()?, hex::decode(mac).ok()?)));
    let Some((time, seconds, mac)) = parts else { return false };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let fresh = now.abs_diff(seconds) <= MAX_AGE_SECONDS;
    fresh && hmac::verify(key, &[time.as_bytes(), b".", body].concat(), &mac).is_ok()
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| answer(request, &state));
    // It fails where the test cuts it, on either side.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The error ends the connection.
async fn answer(request: Request<Incoming>, state: &Mutex<State>) -> Result<Response<Full<Bytes>>, &'static str> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| "the request was cut off")?.to_bytes();
    let fault = lock(state).arrive();
    match fault {
        Some(Fault::Answer { status, retry_after }) => {
            let mut response = Response::builder().status(status);
            if let Some(seconds) = retry_after {
                response = response.header("retry-after", seconds);
            }
            return Ok(response.body(Full::default()).expect("a status"));
        }
        Some(Fault::Hang) => match std::future::pending::<Infallible>().await {},
        Some(Fault::DropBefore) => return Err("dropped before it was applied"),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::DropAfter) | None => {}
    }
    let (status, told) = lock(state).take(&head.method, &head.headers, &body);
    if matches!(fault, Some(Fault::DropAfter)) {
        return Err("dropped after it was applied");
    }
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(told.to_string().into()).expect("a response"))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no thread panicked")
}

const MAX_AGE_SECONDS: u64 = 300;
