//! A server that answers everything in the same way, and remembers what came.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The running server; it ends with this.
pub(crate) struct Scripted {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Came>>>,
    serving: JoinHandle<()>,
}

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Came {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Scripted {
    /// Answers so, with `Retry-After: 7` and a `Location`.
    pub(crate) async fn start(status: u16, body: &str) -> Self {
        Self::with(status, &[("retry-after", "7"), ("location", "http://127.0.0.1:9/")], body).await
    }

    /// Answers so, with these headers.
    pub(crate) async fn with(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let answer = answer.body(Full::new(Bytes::from(body.to_owned()))).expect("an answer");
        let serving = tokio::spawn(serve(listener, answer, Arc::clone(&requests)));
        Self { address, requests, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.requests.lock().expect("no thread panicked").clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, answer: Response<Full<Bytes>>, requests: Arc<Mutex<Vec<Came>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service_fn(async |request: Request<Incoming>| {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("the request is whole").to_bytes().to_vec();
            let came = Came { method: head.method, headers: head.headers, body };
            requests.lock().expect("no thread panicked").push(came);
            Ok::<_, Infallible>(answer.clone())
        });
        // It fails where the client ends the connection.
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }
}
