//! The state that handlers share, and the settings of the HTTP surface.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bursar_broker::Broker;
use bursar_kernel::clock::Entropy;
use tokio_util::sync::CancellationToken;

use crate::auth::{Limiter, Refusals};
use crate::metrics::Metrics;
use crate::openapi::Published;
use crate::operations::Operations;
use crate::request::{BytesInFlight, TrustedProxies};
use crate::watch::{EventStreams, Streams, Watchers};

/// The settings of the HTTP surface.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// The most values and member names in a request body.
    pub max_body_nodes: usize,
    /// The most memory, in bytes, for bodies of one token's requests in flight.
    pub body_bytes_in_flight_per_token: usize,
    /// The most memory, in bytes, for bodies of all requests in flight.
    pub body_bytes_in_flight_total: usize,
    /// The most connections from one client address, except trusted proxies.
    pub connections_per_address: usize,
    /// The most connections in total.
    pub connections: usize,
    /// The proxies whose headers name the client's address.
    pub trusted_proxies: TrustedProxies,
    /// Per token.
    pub rate_limit: RateLimit,
    /// Per account, for all of its tokens together.
    pub account_rate_limit: RateLimit,
    /// Limits on open event streams.
    pub event_streams: EventStreams,
    /// Requests without a valid token that are answered 401 per minute and address
    /// prefix; further ones are answered 429. Valid tokens are not affected.
    pub max_refusals_per_minute: u64,
    /// Whether `/metrics` is served without a token.
    pub metrics_public: bool,
    /// How long a connection may take to send the head of its next request.
    pub head_timeout: Duration,
    /// How long a request may take to send its body.
    pub body_timeout: Duration,
    /// How long a request may take, except long-running operations such as a
    /// verification.
    pub request_timeout: Duration,
    /// How long requests in flight may take to end after shutdown begins.
    pub drain_timeout: Duration,
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// Its refill rate.
    pub requests_per_second: NonZeroU32,
    /// Its size.
    pub burst: NonZeroU32,
    /// Whether operators' tokens are exempt.
    pub operator_unlimited: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 256 * 1024,
            max_body_nodes: 20_000,
            body_bytes_in_flight_per_token: 16 * 1024 * 1024,
            body_bytes_in_flight_total: 128 * 1024 * 1024,
            connections_per_address: 256,
            connections: 4_096,
            trusted_proxies: TrustedProxies::default(),
            rate_limit: RateLimit::default(),
            account_rate_limit: RateLimit::of_account(RateLimit::default()),
            event_streams: EventStreams::default(),
            max_refusals_per_minute: 1_000,
            metrics_public: false,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

impl RateLimit {
    /// The default for an account: ten times the limit of one token.
    #[must_use]
    pub fn of_account(of_token: Self) -> Self {
        let tenfold = |rate: NonZeroU32| rate.saturating_mul(NonZeroU32::MIN.saturating_add(9));
        Self { requests_per_second: tenfold(of_token.requests_per_second), burst: tenfold(of_token.burst), ..of_token }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        let number = |value| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
        Self { requests_per_second: number(50), burst: number(200), operator_unlimited: true }
    }
}

/// The state that handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    broker: Arc<Broker>,
    operations: Arc<dyn Operations>,
    entropy: Arc<dyn Entropy>,
    watchers: Arc<Watchers>,
    closing: CancellationToken,
    config: ServerConfig,
    limiter: Limiter,
    bytes_in_flight: Arc<BytesInFlight>,
    streams: Arc<Streams>,
    refusals: Refusals,
    metrics: Metrics,
    published: Published,
}

impl App {
    /// Joins the parts. Does no I/O. `watchers` must receive the broker's notices.
    #[must_use]
    pub fn new(
        broker: Arc<Broker>,
        operations: Arc<dyn Operations>,
        entropy: Arc<dyn Entropy>,
        watchers: Arc<Watchers>,
        config: ServerConfig,
    ) -> Self {
        watchers.begin(&*entropy);
        Self(Arc::new(Parts {
            limiter: Limiter::new(config.rate_limit, config.account_rate_limit),
            bytes_in_flight: Arc::new(BytesInFlight::new(
                config.body_bytes_in_flight_per_token,
                config.body_bytes_in_flight_total,
            )),
            refusals: Refusals::new(config.max_refusals_per_minute),
            metrics: Metrics::new(operations.clone(), watchers.metrics()),
            published: Published::new(),
            streams: Arc::new(Streams::new(config.event_streams)),
            broker,
            operations,
            entropy,
            watchers,
            closing: CancellationToken::new(),
            config,
        }))
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.0.broker
    }

    pub(crate) fn operations(&self) -> &dyn Operations {
        &*self.0.operations
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    pub(crate) fn watchers(&self) -> &Arc<Watchers> {
        &self.0.watchers
    }

    /// Cancelled when the server stops: open-ended streams then end.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    pub(crate) fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(crate) fn bytes_in_flight(&self) -> &Arc<BytesInFlight> {
        &self.0.bytes_in_flight
    }

    pub(crate) fn streams(&self) -> &Arc<Streams> {
        &self.0.streams
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn published(&self) -> &Published {
        &self.0.published
    }
}
