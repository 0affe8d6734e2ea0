//! Layers that contain bad requests, slow ones and panics, and the security headers.

use std::any::Any;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};

use crate::app::App;
use crate::problem::{Problem, ProblemType};

/// Ends a request that takes too long. A commit that has begun completes on its own.
pub(crate) async fn time_out(State(app): State<App>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.config().request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(ProblemType::Unavailable, "this took too long: try again later").into_response(),
    }
}

/// Answers a panic. Its text may hold a secret, so it is neither sent nor logged here.
pub(crate) fn answer_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(ProblemType::Internal, "the request failed on our side: report it with the request's id")
        .into_response()
}

/// Answers an address without a route.
pub(crate) async fn no_such_route() -> Problem {
    Problem::new(ProblemType::NotFound, "there is nothing at this address: see /openapi.json")
}

/// Answers a method that the route lacks.
pub(crate) async fn no_such_method() -> Problem {
    Problem::new(ProblemType::MethodNotAllowed, "this address has no such method: see /openapi.json")
}

/// Adds security headers; answers of the API are never cached.
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
