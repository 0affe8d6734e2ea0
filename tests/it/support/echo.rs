//! A TLS server on loopback that remembers every request and gives it back:
//! what a plugin's own server could do with what it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;

use super::tls_server::TlsServer;

/// The running server; it ends with this value.
pub(crate) struct Echo {
    server: TlsServer,
    requests: Arc<Mutex<Vec<Seen>>>,
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
    /// Serves `names`. `token` is what its token endpoint answers with.
    pub(crate) fn start(names: &[&str], token: &str) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(answer).with_state((Arc::clone(&requests), token.to_owned()));
        Self { server: TlsServer::start(names, app), requests }
    }

    /// The server itself, to be pointed at.
    pub(crate) fn server(&self) -> &TlsServer {
        &self.server
    }

    /// Every request since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.requests.lock().expect("no thread panicked"))
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
