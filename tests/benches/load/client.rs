//! One kept-alive connection, with as little of a client around it as can be:
//! what it costs is counted against both sides of a comparison.

use std::error::Error;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection to a server, with a token or without.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authorization: Option<String>,
    host: String,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

type Failed = Box<dyn Error + Send + Sync>;

impl Connection {
    pub(crate) async fn open(address: &str, token: Option<&str>) -> Result<Self, Failed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, authorization: token.map(|token| format!("Bearer {token}")), host: address.to_owned() })
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, Failed> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Failed> {
        self.send(Method::POST, path, Bytes::from(body.to_string())).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: &Value) -> Result<Answer, Failed> {
        self.send(Method::PUT, path, Bytes::from(body.to_string())).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Answer, Failed> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status().as_u16();
        Ok(Answer { status, body: response.into_body().collect().await?.to_bytes() })
    }
}

impl Answer {
    /// The body as JSON, if the status is the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}
