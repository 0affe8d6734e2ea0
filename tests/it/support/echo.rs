//! A TLS server on loopback that remembers every request and gives it back:
//! what a plugin's own server could do with what it is sent.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use axum_server::tls_rustls::RustlsConfig;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

/// The running server; it ends with this value.
pub(crate) struct Echo {
    address: SocketAddr,
    root: PathBuf,
    names: Vec<String>,
    requests: Arc<Mutex<Vec<Seen>>>,
    handle: axum_server::Handle<SocketAddr>,
    _folder: tempfile::TempDir,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: BTreeMap<String, Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// All of it but one header.
    pub(crate) fn without(&self, header: &str) -> Vec<u8> {
        let mut bytes = format!("{} {} {} {}\n", self.method, self.host, self.path, self.query).into_bytes();
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != header) {
            bytes.extend([name.as_bytes(), b": ", value, b"\n"].concat());
        }
        bytes.extend(&self.body);
        bytes
    }
}

impl Echo {
    /// Serves `names` by a certificate of a root of its own. `token` is what
    /// its token endpoint answers with.
    pub(crate) fn start(names: &[&str], token: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (tls, root_pem) = tls(names);
        let root = folder.path().join("root.pem");
        std::fs::write(&root, root_pem).expect("a file");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket of tokio's");
        let address = socket.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(answer).with_state((Arc::clone(&requests), token.to_owned()));
        let handle = axum_server::Handle::new();
        let server = axum_server::from_tcp_rustls(socket, RustlsConfig::from_config(Arc::new(tls)));
        tokio::spawn(server.expect("a listening socket").handle(handle.clone()).serve(app.into_make_service()));
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { address, root, names, requests, handle, _folder: folder }
    }

    /// The value of `plugins.connect_overrides` that leads every name here.
    pub(crate) fn connect_overrides(&self) -> String {
        let entries = self.names.iter().map(|name| format!("\"{name}:443\" = \"{}\"", self.address));
        format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
    }

    /// Its root certificate's file.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every request since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.requests.lock().expect("no thread panicked"))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

type Memory = (Arc<Mutex<Vec<Seen>>>, String);

async fn answer(
    State((memory, token)): State<Memory>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let seen = Seen {
        method: method.to_string(),
        host: headers.get("host").map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()).unwrap_or_default(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
        body: body.to_vec(),
    };
    memory.lock().expect("no thread panicked").push(seen.clone());
    let authorization = headers.get("authorization").cloned();
    let respond = Response::builder();
    let response = match uri.path() {
        path if path.starts_with("/oauth/") => {
            let answer = json!({ "access_token": token, "refresh_token": token, "token_type": "Bearer", "both": format!("<{token}>") });
            respond.header("x-token", token.as_str()).body(answer.to_string().into())
        }
        "/api/redirect" => {
            let mut respond = respond.status(302).header("location", "https://169.254.169.254/latest/meta-data/");
            if let Some(value) = authorization {
                respond = respond.header("x-echo", value);
            }
            respond.body(Body::empty())
        }
        "/api/gzip" => respond.header("content-encoding", "gzip").body(echo(&seen).into()),
        "/api/huge" => respond.body(vec![b'x'; 4 << 20].into()),
        "/api/truncated" => {
            let pieces = [Ok(echo(&seen)), Err(std::io::Error::other("cut off"))];
            respond.body(Body::from_stream(futures::stream::iter(pieces)))
        }
        _ => {
            let mut respond = respond.header("set-cookie", "a=b");
            if let Some(value) = authorization {
                respond = respond.header("x-echo", value);
            }
            respond.body(echo(&seen).into())
        }
    };
    response.expect("a response")
}

/// The whole request, written in every way that keeps its bytes.
fn echo(seen: &Seen) -> Vec<u8> {
    let plain = seen.without("");
    let mut values: Vec<&[u8]> = seen.headers.values().map(Vec::as_slice).collect();
    values.push(&seen.body);
    values.push(&plain);
    let mut echo = plain.clone();
    for value in values {
        // At each of the three places that base64 may start at.
        for before in 0..3 {
            echo.extend(BASE64_STANDARD.encode([&b"xx"[..before], value].concat()).into_bytes());
        }
        echo.extend(hex::encode(value).into_bytes());
        echo.extend(hex::encode_upper(value).into_bytes());
        echo.extend(value.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()));
        echo.extend(json!(String::from_utf8_lossy(value)).to_string().into_bytes());
    }
    echo
}

fn tls(names: &[&str]) -> (rustls::ServerConfig, String) {
    let mut of_root = CertificateParams::new(Vec::new()).expect("no names");
    of_root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(of_root, KeyPair::generate().expect("a key")).expect("a root");
    let key = KeyPair::generate().expect("a key");
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let leaf = CertificateParams::new(names).expect("names").signed_by(&key, &root).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
        .expect("a certificate and its key");
    (tls, root.pem())
}
