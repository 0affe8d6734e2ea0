//! Layers that keep a bad request, a slow one or a panic from harming others,
//! and the headers that keep browsers strict.

use std::any::Any;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

use crate::app::App;
use crate::problem::{Problem, ProblemType};

/// Gives up on a request that takes too long. A commit that has begun ends on
/// its own.
pub(crate) async fn time_out(State(app): State<App>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.config().request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(ProblemType::Unavailable, "this took too long: try again later").into_response(),
    }
}

/// Answers a panic. Its text may hold anything, so it is neither answered nor
/// logged here.
pub(crate) fn answer_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(ProblemType::Internal, "the request failed on our side: report it with the request's id")
        .into_response()
}

/// Answers what no route matches.
pub(crate) async fn no_such_route() -> Problem {
    Problem::new(ProblemType::NotFound, "there is nothing at this address: see /openapi.json")
}

/// Answers a route that has other methods.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, "this address has no such method: see /openapi.json")
}

/// Strict headers on everything; nothing of the API is ever cached.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/v1");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    if is_api {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
