//! The real transport: HTTP/1.1 over rustls, to addresses that the guard permits.
//!
//! Each call has its own client: no connection outlives a call or is shared
//! between tenants. There are no redirects, cookies, proxies or retries: one
//! request is one exchange.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tower_service::Service;
use zeroize::Zeroizing;

use super::guard::{self, Resolver, SystemResolver};
use super::target::join;
use super::{AddressRule, Reach, Transport, TransportError, WireAnswer, WireRequest};

/// The real transport.
pub struct HttpsTransport {
    shared: Arc<Shared>,
}

/// What all calls have in common.
struct Shared {
    overrides: BTreeMap<String, SocketAddr>,
    extra_roots: Vec<Vec<u8>>,
    resolver: Arc<dyn Resolver>,
    /// Made on first use: the roots of the system are read from disk.
    tls: OnceLock<Result<ClientConfig, String>>,
}

impl HttpsTransport {
    /// `connect_overrides` are by `host:port`; `extra_roots` are PEM.
    #[must_use]
    pub fn new(connect_overrides: BTreeMap<String, SocketAddr>, extra_roots: Vec<Vec<u8>>) -> Self {
        Self::with_resolver(connect_overrides, extra_roots, Arc::new(SystemResolver))
    }

    /// The same with another resolver.
    #[must_use]
    pub fn with_resolver(
        connect_overrides: BTreeMap<String, SocketAddr>,
        extra_roots: Vec<Vec<u8>>,
        resolver: Arc<dyn Resolver>,
    ) -> Self {
        let overrides = connect_overrides;
        Self { shared: Arc::new(Shared { overrides, extra_roots, resolver, tls: OnceLock::new() }) }
    }
}

#[async_trait]
impl Transport for HttpsTransport {
    async fn exchange(&self, request: WireRequest, reach: &Reach) -> Result<WireAnswer, TransportError> {
        CallClient { shared: Arc::clone(&self.shared), client: OnceLock::new() }.exchange(request, reach).await
    }

    fn for_call(&self) -> Option<Arc<dyn Transport>> {
        Some(Arc::new(CallClient { shared: Arc::clone(&self.shared), client: OnceLock::new() }))
    }
}

/// The client of one call.
struct CallClient {
    shared: Arc<Shared>,
    client: OnceLock<HttpClient>,
}

type HttpClient = Client<HttpsConnector<Guarded>, Full<Bytes>>;

#[async_trait]
impl Transport for CallClient {
    async fn exchange(&self, request: WireRequest, reach: &Reach) -> Result<WireAnswer, TransportError> {
        let tls = self.shared.tls().map_err(TransportError::Failed)?;
        // A call has one plugin and so one set of grants.
        let client = self.client.get_or_init(|| client(tls, Guarded::new(&self.shared, &reach.addresses)));
        let most_bytes = reach.max_answer_bytes;
        let exchange = async {
            let response = client.request(http_request(request)?).await.map_err(|error| failure(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, most_bytes).collect().await.map_err(|error| {
                if error.downcast_ref::<LengthLimitError>().is_some() {
                    TransportError::TooLarge(most_bytes)
                } else {
                    TransportError::Failed(format!("the answer broke off: {}", chain(&*error)))
                }
            })?;
            let headers = head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect();
            let body = Zeroizing::new(body.to_bytes().to_vec());
            Ok(WireAnswer { status: head.status.as_u16(), headers, body })
        };
        tokio::time::timeout(reach.timeout, exchange).await.unwrap_or(Err(TransportError::Timeout(reach.timeout)))
    }
}

impl Shared {
    fn tls(&self) -> Result<ClientConfig, String> {
        self.tls.get_or_init(|| tls(&self.extra_roots)).clone()
    }

    /// Where to connect for `host` and `port`.
    async fn addresses(&self, host: &str, port: u16, rules: &[AddressRule]) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Some(address) = self.overrides.get(&join(host, port)) {
            return Ok(vec![*address]);
        }
        let found = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self
                .resolver
                .lookup(host)
                .await
                .map_err(|error| ConnectError::Lookup(format!("{host} was not found: {error}")))?,
        };
        if found.is_empty() {
            return Err(ConnectError::Lookup(format!("{host} has no address")));
        }
        guard::permit(host, port, &found, rules).map_err(ConnectError::Refused)
    }
}

/// Trusts the roots of the system and the operator's own.
fn tls(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = Vec::new();
    for pem in extra_roots {
        for root in CertificateDer::pem_slice_iter(pem) {
            roots.push(root.map_err(|_| "plugins.extra_roots holds something that is not a certificate".to_owned())?);
        }
    }
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
        .map_err(|error| format!("there are no certificates to trust: {error}"))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot start: {error}"))?
        // The platform's verifier with additional roots: it performs every check.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn client(tls: ClientConfig, connector: Guarded) -> HttpClient {
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        // For a connection that closed before anything was written to it.
        .retry_canceled_requests(true)
        .http1_max_buf_size(MAX_HEAD_BYTES)
        .http1_max_headers(MAX_HEADERS)
        .build(connector)
}

fn http_request(request: WireRequest) -> Result<http::Request<Full<Bytes>>, TransportError> {
    let wrong = |what: &str| TransportError::Failed(format!("the request's {what} cannot be sent"));
    let uri: Uri = request.url.as_str().parse().map_err(|_| wrong("url"))?;
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| wrong("method"))?;
    let mut built =
        http::Request::new(Full::new(Bytes::from(request.body.map(|body| body.to_vec()).unwrap_or_default())));
    *built.method_mut() = method;
    *built.uri_mut() = uri;
    for (name, value) in request.headers {
        let name: HeaderName = name.parse().map_err(|_| wrong("header name"))?;
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| wrong("header value"))?;
        value.set_sensitive(true);
        built.headers_mut().append(name, value);
    }
    Ok(built)
}

/// Connects to addresses that the guard permits, without another lookup.
#[derive(Clone)]
struct Guarded {
    shared: Arc<Shared>,
    rules: Arc<[AddressRule]>,
}

impl Guarded {
    fn new(shared: &Arc<Shared>, rules: &[AddressRule]) -> Self {
        Self { shared: Arc::clone(shared), rules: rules.into() }
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(default);
        let addresses = self.shared.addresses(&host, port, &self.rules).await?;
        let mut connector = HttpConnector::new_with_resolver(Pinned(addresses));
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // A dummy name without a port: addresses and ports are pinned.
        let stream = connector.call(Uri::from_static("http://pinned/")).await;
        stream.map_err(|error| ConnectError::Failed(format!("{}: {}", join(&host, port), chain(&error))))
    }
}

impl Service<Uri> for Guarded {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Resolves every name to the chosen addresses.
#[derive(Clone)]
struct Pinned(Vec<SocketAddr>);

impl Service<Name> for Pinned {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        std::future::ready(Ok(self.0.clone().into_iter()))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Lookup(String),
    #[error("{0}")]
    Failed(String),
}

/// Finds the cause in the client's chain of errors.
fn failure(error: &(dyn StdError + 'static)) -> TransportError {
    let mut next = Some(error);
    while let Some(at) = next {
        if let Some(ConnectError::Refused(why)) = at.downcast_ref() {
            return TransportError::Refused(why.clone());
        }
        next = at.source();
    }
    TransportError::Failed(chain(error))
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let source_text = source.to_string();
        // Some errors repeat what they wrap.
        if !text.ends_with(&source_text) {
            text.push_str(": ");
            text.push_str(&source_text);
        }
        next = source.source();
    }
    text
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADERS: usize = 100;
/// Size of a status line and headers, which may echo the whole request.
const MAX_HEAD_BYTES: usize = 1 << 20;
