//! The outermost layer: the request's id, its tracing span, its metrics.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method};
use tracing::{Instrument, field};

use crate::app::App;
use crate::request_id;

/// Runs the request in a span with method, route template, status and latency; never
/// with path values, the query, other headers or bodies.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id::accept_or_mint(request.headers(), app.entropy());
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let trace = TraceParent::read(request.headers());
    let span = tracing::info_span!(
        "request",
        method,
        route,
        request_id = id,
        trace_id = trace.as_ref().map(|trace| &*trace.trace_id),
        parent_id = trace.as_ref().map(|trace| &*trace.parent_id),
        status = field::Empty,
        latency_ms = field::Empty,
    );
    let answer = async {
        let mut response = next.run(request).await;
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        let (status, took) = (response.status().as_u16(), started.elapsed());
        app.metrics().count_request(method, &route, status, took);
        let span = tracing::Span::current();
        span.record("status", status);
        span.record("latency_ms", took.as_secs_f64() * 1_000.0);
        tracing::info!("answered");
        response
    };
    request_id::within(id.clone(), answer.instrument(span)).await
}

/// The caller's span in a distributed trace (W3C Trace Context, section 3.2).
struct TraceParent {
    trace_id: String,
    parent_id: String,
}

impl TraceParent {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get("traceparent")?.to_str().ok()?;
        let mut parts = text.split('-');
        let (version, trace_id, parent_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_told = |id: &str| id.bytes().any(|digit| digit != b'0');
        let well_formed = is_hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && is_hex(trace_id, 32)
            && is_told(trace_id)
            && is_hex(parent_id, 16)
            && is_told(parent_id)
            && is_hex(flags, 2);
        well_formed.then(|| Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned() })
    }
}

/// A closed set: a client that invents methods adds no metrics.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

const UNMATCHED: &str = "unmatched";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_parents_follow_the_standard() {
        let read = |value: &str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("traceparent"),
                HeaderValue::from_str(value).unwrap(),
            )]);
            TraceParent::read(&headers).map(|trace| trace.trace_id)
        };
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(read(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(read("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), None);
        assert_eq!(read("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), None);
        assert_eq!(read(&format!("{good}-more")), None);
        assert_eq!(read("00-4bf9"), None);
    }
}
