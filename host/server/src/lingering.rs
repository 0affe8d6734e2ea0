//! Drains request bodies that no handler read.
//!
//! Closing a connection with unread bytes resets it, and a client that is still
//! sending may lose the answer (RFC 9112, section 9.6). So the rest of a body is read
//! and discarded while the answer is sent, within limits of time and size.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::Version;
use http::header::EXPECT;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;

/// Drains the rest of the body where dropping it would close the connection. HTTP/2
/// ends only the stream, and a client that waits for `100 Continue` has sent nothing.
pub(crate) async fn linger(request: Request, next: Next) -> Response {
    let closes = request.version() < Version::HTTP_2 && !request.headers().contains_key(EXPECT);
    let request = if closes { request.map(|body| Body::new(Lingering { body: Some(body) })) } else { request };
    next.run(request).await
}

/// A body whose rest is drained when it is dropped.
struct Lingering {
    /// `None` once it ended.
    body: Option<Body>,
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        // Without a runtime the connection is gone too.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            drop(runtime.spawn(tokio::time::timeout(MOST_TIME, discard(rest))));
        }
    }
}

async fn discard(mut body: Body) {
    let mut seen = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if seen > MOST_BYTES {
            return;
        }
    }
}

const MOST_TIME: Duration = Duration::from_secs(5);
/// More than our clients send, and cheap to read.
const MOST_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{StreamExt as _, stream};

    use super::*;

    /// So many pieces of 64 KiB, and how many of them were taken.
    fn pieces(count: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let pieces = stream::iter(0..count).map(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, axum::Error>(Bytes::from(vec![0; 64 << 10]))
        });
        (Body::from_stream(pieces), taken)
    }

    async fn settled(taken: &AtomicUsize) -> usize {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        taken.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn what_nobody_read_is_taken_up_to_a_size() {
        let (body, taken) = pieces(10);
        drop(Lingering { body: Some(body) });
        assert_eq!(settled(&taken).await, 10);
        let (body, taken) = pieces(10_000);
        drop(Lingering { body: Some(body) });
        assert_eq!(settled(&taken).await, 65, "4 MiB and what told that it is more");
    }
}
