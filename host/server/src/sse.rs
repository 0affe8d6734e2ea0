//! Answers that are streams of server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use http::{HeaderName, HeaderValue};

/// Answers with `events` as they occur. A comment keeps an idle connection alive.
pub(crate) fn answer(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_EVERY)).into_response();
    // Reverse proxies must not buffer the answer.
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

/// Shorter than the usual idle timeouts of proxies and clients.
pub(crate) const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
