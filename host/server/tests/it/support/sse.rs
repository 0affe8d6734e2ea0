//! Server-sent events, read as they come.

use axum::body::Body;
use bursar_server::router;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::TestApp;

/// An answer whose body is a stream of events.
pub(crate) struct Events {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BoxStream<'static, Bytes>,
    unread: String,
}

/// One event; an empty name for one that only tells an id, or nothing.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl TestApp {
    /// Sends a request whose answer is read event by event.
    pub(crate) async fn stream(&self, request: Request<Body>) -> Events {
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.into_data_stream().map(Result::unwrap).boxed();
        Events { status: parts.status, headers: parts.headers, body, unread: String::new() }
    }
}

impl Events {
    /// The next block; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(end) = self.unread.find(BLANK) {
                let block: String = self.unread.drain(..end + BLANK.len()).collect();
                return Some(Sent::read(&block));
            }
            let more = self.body.next().await?;
            self.unread.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    /// The next event that has a name.
    pub(crate) async fn named(&mut self) -> Option<Sent> {
        loop {
            let sent = self.next().await?;
            if !sent.name.is_empty() {
                return Some(sent);
            }
        }
    }

    /// Every event with a name until the end.
    pub(crate) async fn rest(mut self) -> Vec<Sent> {
        let mut all = Vec::new();
        while let Some(sent) = self.named().await {
            all.push(sent);
        }
        all
    }
}

impl Sent {
    fn read(block: &str) -> Self {
        let field = |name: &str| {
            let of_it = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            of_it.unwrap_or_default().trim_start().to_owned()
        };
        Self { id: field("id"), name: field("event"), data: serde_json::from_str(&field("data")).unwrap_or_default() }
    }
}

/// Between two events.
const BLANK: &str = "\n\n";
