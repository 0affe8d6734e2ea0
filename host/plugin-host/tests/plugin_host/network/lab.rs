//! A TLS server of our own behind real names, a plugin that speaks as told, and
//! what was recorded of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum_server::tls_rustls::RustlsConfig;
use bursar_kernel::Error;
use bursar_kernel::plugin::{Exchange, ExchangeRecorder, NetworkCall, PluginError, Plugins as _, ProbeReport, Taints};
use bursar_kernel::secret::SecretJson;
use bursar_plugin_host::{Limits, NetworkConfig, PluginHost, PluginHostConfig};
use serde_json::{Value, json};

use crate::support::{build, config, context, overwrite, pack};

/// What the tests look for wherever it must not be.
pub(crate) const TOKEN: &str = "t0ken/with+signs=\"&";
pub(crate) const PASSWORD: &str = "hunter2secret";
pub(crate) const CLIENT_SECRET: &str = "client secret & more";
pub(crate) const ACCESS_TOKEN: &str = "ya29.captured-access-token";

/// The server, and a host with the talker.
pub(crate) struct Lab {
    pub(crate) address: SocketAddr,
    pub(crate) host: PluginHost,
    pub(crate) ledger: Arc<Ledger>,
    seen: Seen,
}

type Seen = Arc<Mutex<Vec<Request>>>;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Where the connection came from, which tells it from others.
    pub(crate) peer: SocketAddr,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Keeps what it hears, or refuses to.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) exchanges: Mutex<Vec<Exchange>>,
    pub(crate) full: bool,
}

#[async_trait]
impl ExchangeRecorder for Ledger {
    async fn record(&self, exchange: Exchange) -> Result<(), Error> {
        if self.full {
            return Err(Error::new(bursar_kernel::Kind::Unavailable, "the disk is full"));
        }
        self.exchanges.lock().expect("no panic while recording").push(exchange);
        Ok(())
    }
}

impl Lab {
    /// With the talker's manifest as it is.
    pub(crate) async fn start() -> Self {
        Self::with(|_, _, _| {}).await
    }

    /// With a manifest, settings and limits that a test changes.
    pub(crate) async fn with(change: impl FnOnce(&mut Value, &mut NetworkConfig, &mut Limits)) -> Self {
        let seen = Seen::default();
        let address = serve(Arc::clone(&seen)).await;
        let mut network = NetworkConfig {
            connect_overrides: ["api.example.com:443", "login.example.com:443", "api.example.com:8443"]
                .map(|authority| (authority.to_owned(), address))
                .into(),
            extra_roots: vec![certificates().0.clone().into_bytes()],
            ..NetworkConfig::default()
        };
        let (mut manifest, mut limits) = (manifest(), Limits::default());
        change(&mut manifest, &mut network, &mut limits);
        let built_ins = vec![("talker", Cow::Owned(talker(&manifest)))];
        let (host, _) = PluginHost::load(PluginHostConfig { built_ins, network, limits, ..config() })
            .await
            .expect("the host starts");
        assert!(host.find("talker").is_some(), "{:?}", bursar_kernel::plugin::Plugins::status(&host));
        Self { address, host, ledger: Arc::default(), seen }
    }

    /// Runs a script by `probe`: what each step came to.
    pub(crate) async fn run(&self, script: Value) -> Vec<Value> {
        let report = self.probe(json!({"script": script})).await.expect("a report");
        report.details["results"].as_array().expect("results").clone()
    }

    /// Runs one step.
    pub(crate) async fn step(&self, step: Value) -> Value {
        self.run(json!([step])).await.remove(0)
    }

    /// Sends one request.
    pub(crate) async fn send(&self, request: Value) -> Value {
        self.step(json!({"send": request})).await
    }

    /// Calls `probe` with the lab's data and more.
    pub(crate) async fn probe(&self, more: Value) -> Result<ProbeReport, PluginError> {
        let data = data(more);
        self.host.probe("talker", &self.call(&data, &context())).await
    }

    /// The same where a plugin wrote some of the data.
    pub(crate) async fn probe_written(&self, more: Value, taints: &Taints) -> Result<ProbeReport, PluginError> {
        let (data, context) = (data(more), context());
        let call = NetworkCall { taints, ..self.call(&data, &context) };
        self.host.probe("talker", &call).await
    }

    pub(crate) fn call<'a>(
        &self,
        data: &'a SecretJson,
        context: &'a bursar_kernel::plugin::Context,
    ) -> NetworkCall<'a> {
        NetworkCall {
            data,
            secret_pointers: &[],
            taints: untainted(),
            context,
            recorder: Arc::<Ledger>::clone(&self.ledger),
        }
    }

    /// The requests that reached the server since the last look.
    pub(crate) fn seen(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().expect("no panic while answering"))
    }

    /// What was recorded since the last look.
    pub(crate) fn recorded(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.ledger.exchanges.lock().expect("no panic while recording"))
    }
}

/// Of data that no plugin wrote anything of.
fn untainted() -> &'static Taints {
    static NONE: OnceLock<Taints> = OnceLock::new();
    NONE.get_or_init(Taints::default)
}

/// The data of every call, and more.
pub(crate) fn data(more: Value) -> SecretJson {
    let mut data = json!({
        "token": TOKEN, "password": PASSWORD, "short": "abc", "broken": "a\r\nx-evil: b", "key": "signing-key",
        "clientSecret": CLIENT_SECRET, "tenant": "acme inc", "url": "https://dns.example.com:8443/api",
    });
    let Value::Object(more) = more else { panic!("an object") };
    data.as_object_mut().expect("an object").extend(more);
    SecretJson::new(data)
}

/// The talker, describing itself so.
fn talker(manifest: &Value) -> Vec<u8> {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    let mut component = COMPONENT.get_or_init(|| pack(&build("talker"))).clone();
    let secret = json!({"type": "string", "writeOnly": true});
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {
            "token": secret, "password": secret, "short": secret, "broken": secret, "key": secret, "pem": secret,
            "clientSecret": secret, "account": secret, "document": {"type": "object", "writeOnly": true},
        },
    });
    overwrite(&mut component, "@@MANIFEST@@", 16384, &manifest.to_string());
    overwrite(&mut component, "@@A-SCHEMA@@", 16384, &schema.to_string());
    component
}

fn manifest() -> Value {
    let api = |secret: &str, path: &str, place: &str| json!({"secret": secret, "host": "api.example.com", "pathPrefix": path, "place": place});
    json!({
        "id": "talker", "title": "Talker", "summary": "Speaks.", "category": "test", "version": "1.0.0",
        "formats": [{"id": "results"}], "abilities": ["probe", "dns01"],
        "hosts": [
            {"host": "api.example.com", "reason": "test"}, {"host": "private.example.com", "reason": "test"},
            {"host": "{/url}", "reason": "test"}, {"host": "127.0.0.1:8081", "reason": "test"},
            {"host": "login.example.com", "reason": "test"},
        ],
        "placements": [
            {"secret": "/token", "host": "api.example.com", "methods": ["GET", "POST"], "pathPrefix": "/echo", "place": "header:authorization"},
            api("/token", "/echo", "query:key"), api("/token", "/echo/field", "body:/auth/token"),
            api("/token", "/echo/field", "body:/token"), api("/password", "/echo", "header:authorization"),
            api("/password", "/echo/any", "body"), api("/short", "/echo", "header:x-short"),
            api("/broken", "/echo", "header:x-broken"), api("/broken", "/echo", "query:broken"),
            api("/key", "/echo", "key"), api("/pem", "/echo", "key"), api("/account", "/echo", "key"),
            api("/document/inner", "/echo", "header:x-inner"),
            {"secret": "/token", "host": "{/url}", "place": "header:x-token"},
            {"secret": "/clientSecret", "host": "login.example.com", "methods": ["POST"], "pathPrefix": "/acme%20inc/token", "place": "body:/client_secret"},
        ],
        "tokenEndpoints": [
            {
                "name": "token", "url": "https://login.example.com/{/tenant}/token",
                "capture": {"access-token": "/access_token"},
                "expose": {"expires-in": "/expires_in", "error": "/error", "description": "/error_description", "note": "/note"},
                "placements": [
                    {"secret": "access-token", "host": "api.example.com", "pathPrefix": "/echo", "place": "header:authorization"},
                ],
            },
            {
                "name": "sts", "url": "https://login.example.com/sts",
                "capture": {"secret-access-key": "/Response/Result/Credentials/SecretAccessKey"},
                "expose": {"access-key-id": "/Response/Result/Credentials/AccessKeyId"},
                "placements": [{"secret": "secret-access-key", "host": "api.example.com", "place": "key"}],
            },
        ],
    })
}

/// A root in PEM, and a certificate of its for all names of the lab.
fn certificates() -> &'static (String, Vec<u8>, Vec<u8>) {
    static MADE: OnceLock<(String, Vec<u8>, Vec<u8>)> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut root = rcgen::CertificateParams::new(Vec::<String>::new()).expect("the lab starts");
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = rcgen::CertifiedIssuer::self_signed(root, rcgen::KeyPair::generate().expect("the lab starts"))
            .expect("the lab starts");
        let key = rcgen::KeyPair::generate().expect("the lab starts");
        let names = ["api", "login", "dns", "private"].map(|name| format!("{name}.example.com"));
        let leaf = rcgen::CertificateParams::new(names.to_vec())
            .expect("the lab starts")
            .signed_by(&key, &root)
            .expect("the lab starts");
        (root.pem(), leaf.der().to_vec(), key.serialize_der())
    })
}

async fn serve(seen: Seen) -> SocketAddr {
    let (_, certificate, key) = certificates();
    let listener = listener();
    let address = listener.local_addr().expect("the lab starts");
    // Whichever comes first chooses for the process.
    let _taken = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let tls = RustlsConfig::from_der(vec![certificate.clone()], key.clone()).await.expect("the lab starts");
    let app = axum::Router::new().fallback(answer).with_state(seen);
    // Ends with the test's runtime.
    tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum_server::from_tcp_rustls(listener, tls).expect("the lab starts").serve(service).await
    });
    address
}

/// The same server without TLS, and what it saw.
pub(crate) fn serve_plain() -> (SocketAddr, Arc<Mutex<Vec<Request>>>) {
    let (seen, listener) = (Seen::default(), listener());
    let address = listener.local_addr().expect("the lab starts");
    let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&seen));
    tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum_server::from_tcp(listener).expect("the lab starts").serve(service).await
    });
    (address, seen)
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the lab starts");
    listener.set_nonblocking(true).expect("the lab starts");
    listener
}

async fn answer(
    State(seen): State<Seen>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        peer,
        method: method.to_string(),
        target: uri.to_string(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    seen.lock().expect("no panic while answering").push(request.clone());
    match uri.path() {
        "/slow" => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            StatusCode::OK.into_response()
        }
        "/redirect" => {
            let secret = request.header("authorization").unwrap_or_default();
            let location = format!("http://169.254.169.254/latest?{secret}");
            (StatusCode::FOUND, [("location", location)]).into_response()
        }
        "/large" => vec![b'x'; (1 << 20) + 1].into_response(),
        "/full" => vec![b'x'; 1 << 20].into_response(),
        "/gzip" => ([("content-encoding", "gzip")], "not to be unpacked").into_response(),
        "/headers" => {
            let many = (0..120).map(|n| {
                (HeaderName::try_from(format!("x-{n}")).expect("the lab starts"), HeaderValue::from_static("value"))
            });
            (many.collect::<HeaderMap>(), "").into_response()
        }
        "/cookie" => ([("set-cookie", "session=1")], "cookie").into_response(),
        "/acme%20inc/token" if request.body.contains("wrong") => (
            StatusCode::BAD_REQUEST,
            [("retry-after", "7"), ("x-other", "no")],
            json!({"error": "invalid_client", "error_description": format!("{CLIENT_SECRET} is wrong")}).to_string(),
        )
            .into_response(),
        "/acme%20inc/token" => json!({
            "access_token": ACCESS_TOKEN, "expires_in": 3600, "refresh_token": "refresh", "note": format!("is {ACCESS_TOKEN}"),
        })
        .to_string()
        .into_response(),
        "/undeclared" => json!({"access_token": ACCESS_TOKEN, "token_type": "bearer"}).to_string().into_response(),
        "/sts" => "<Response xmlns=\"urn:x\"><Result><Credentials><AccessKeyId>ASIA</AccessKeyId>\
            <SecretAccessKey>captured&amp;secret</SecretAccessKey></Credentials></Result></Response>"
            .into_response(),
        _ => echo(&request, uri.query()),
    }
}

/// Everything that came, in every way that services echo it.
fn echo(request: &Request, query: Option<&str>) -> Response {
    let headers: BTreeMap<_, _> = request.headers.iter().cloned().collect();
    let authorization = request.header("authorization").unwrap_or_default().to_owned();
    let body = json!({"method": request.method, "headers": headers, "query": query, "body": request.body});
    let mut answer = body.to_string().into_response();
    if let Ok(value) = HeaderValue::from_str(&authorization) {
        answer.headers_mut().insert("x-echo", value);
    }
    answer
}
