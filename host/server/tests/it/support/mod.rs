//! A whole application over doubles.

mod plugins;
mod sse;
mod store;
mod targets;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use bursar_broker::{Broker, BrokerParts};
use bursar_dns::DnsGrants;
use bursar_kernel::clock::{Clock, Entropy, Timer};
use bursar_kernel::id::NodeId;
use bursar_kernel::nodes::Nodes;
use bursar_kernel::plugin::State;
use bursar_kernel::{Error, Ports, Quotas};
use bursar_regions::RegionPorts;
use bursar_server::{App, Check, Engine, Operations, PluginCalls, Readiness, ServerConfig, Stats, Watchers, router};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) use plugins::{LOGIN, PROVIDER, TestPlugins};
pub(crate) use sse::Events;
pub(crate) use store::MapStore;
pub(crate) use targets::{FALLING, FOREIGN, HELD, Shelf};

/// An initialized application.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) store: Arc<MapStore>,
    pub(crate) plugins: Arc<TestPlugins>,
    pub(crate) operations: Arc<TestOperations>,
    pub(crate) clock: Arc<Ticking>,
    pub(crate) shelf: Shelf,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) operator: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(ServerConfig::default()).await
    }

    pub(crate) async fn with(config: ServerConfig) -> Self {
        let store = Arc::new(MapStore::default());
        let plugins = Arc::new(TestPlugins::default());
        let operations = Arc::new(TestOperations::default());
        let entropy = Arc::new(Counting::default());
        let clock = Arc::new(Ticking::default());
        let (shelf, watchers) = (Shelf::default(), Watchers::new());
        let (node, process) = (NodeId(Uuid::nil()), Uuid::nil());
        let broker = Arc::new(Broker::new(BrokerParts {
            ports: Ports {
                store: store.clone(),
                blind: store.clone(),
                plugins: plugins.clone(),
                notices: watchers.clone(),
                clock: clock.clone(),
                timer: Arc::new(Hurried(clock.clone())),
                entropy: entropy.clone(),
            },
            trail: store.clone(),
            regions: RegionPorts {
                targets: Arc::new(shelf.clone()),
                nodes: Arc::new(Nodes::alone(store.clone(), clock.clone(), node, process, "0")),
                concurrency: 2,
            },
            dns_grants: DnsGrants::default(),
            quotas: Quotas::default(),
        }));
        let token = broker.installation.propose_operator_token();
        assert!(broker.installation.initialize(&token).await.unwrap());
        let app = App::new(broker, operations.clone(), entropy, watchers.clone(), config);
        Self { app, store, plugins, operations, clock, shelf, watchers, operator: token.expose().to_owned() }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends JSON, or nothing for null, as operator.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_as(&self.operator, method, path, body).await
    }

    /// Sends JSON, or nothing for null.
    pub(crate) async fn call_as(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        self.send(request(token, method, path, &body)).await
    }

    /// Makes a token in the account `default`.
    pub(crate) async fn token(&self, role: &str) -> String {
        let answer = self.call("POST", "/v1/accounts/default/tokens", json!({"name": role, "role": role})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Stores a credential in the account `default`.
    pub(crate) async fn credential(&self, name: &str) -> Value {
        let answer = self.call("POST", "/v1/accounts/default/credentials", login(name)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The problem, checked to be one.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["requestId"], self.header("x-request-id"));
        problem
    }
}

/// The body, which must be exactly a `T`.
pub(crate) fn read<T: Serialize + DeserializeOwned>(answer: &Answer) -> T {
    assert!(answer.status.is_success(), "{answer:?}");
    let json = answer.json();
    let read: T = serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), json, "nothing undescribed");
    read
}

/// The body of a credential of the double's type.
pub(crate) fn login(name: &str) -> Value {
    json!({"type": LOGIN, "name": name, "data": {"username": "octo", "password": "s3cret-value"}})
}

/// A request with JSON, or without a body for null.
pub(crate) fn request(token: &str, method: &str, path: &str, body: &Value) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    match body {
        Value::Null => builder.body(Body::empty()),
        body => builder.header("content-type", "application/json").body(Body::from(body.to_string())),
    }
    .unwrap()
}

/// What the installation can do, for tests.
#[derive(Default)]
pub(crate) struct TestOperations {
    pub(crate) is_down: AtomicBool,
}

#[async_trait]
impl Operations for TestOperations {
    fn engine(&self) -> Engine {
        Engine { allocator: "on-demand" }
    }

    fn stats(&self) -> Stats {
        let calls =
            PluginCalls { plugin: LOGIN.to_owned(), call: "check".to_owned(), outcome: "ok".to_owned(), count: 3 };
        Stats { store_commits: 7, plugin_calls: vec![calls], plugins: vec![(State::Active, 1)], ..Stats::default() }
    }

    async fn readiness(&self) -> Readiness {
        let is_down = self.is_down.load(Ordering::SeqCst);
        let full = "the store cannot be written: the disk is full".to_owned();
        let check = Check { name: "storage", outcome: if is_down { Err(full) } else { Ok(None) } };
        Readiness { checks: vec![check], nodes: Vec::new() }
    }

    async fn backup(&self) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        Ok(stream::iter([Ok(Bytes::from_static(b"sealed ")), Ok(Bytes::from_static(b"rows"))]).boxed())
    }

    async fn rekey(&self, force: bool) -> Result<u64, Error> {
        if force { Ok(6) } else { Ok(5) }
    }
}

/// A clock that moves a millisecond whenever it is looked at.
#[derive(Default)]
pub(crate) struct Ticking(AtomicI64);

impl Ticking {
    /// Lets so much time pass at once.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let ticks = self.0.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_millisecond(1_800_000_000_000 + ticks).unwrap()
    }
}

/// Lets the clock run over what is short, and never ends what only guards.
struct Hurried(Arc<Ticking>);

#[async_trait]
impl Timer for Hurried {
    async fn sleep(&self, duration: Duration) {
        if duration >= Duration::from_secs(30) {
            std::future::pending::<()>().await;
        }
        self.0.advance(duration);
    }
}

/// No two fills alike; that is all that is needed here.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_be_bytes()[0];
        }
    }
}
