//! Recognizes similar requests, so that the store can prefetch for them.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::header::AUTHORIZATION;

use crate::app::App;

/// Prefetches for requests that only read, apart from their audit record. Requests of
/// the same token for the same address count as similar.
pub(crate) async fn read_ahead(State(app): State<App>, request: Request, next: Next) -> Response {
    if !only_reads(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let likeness = likeness(&request);
    app.operations().reading_ahead(likeness, Box::pin(next.run(request))).await
}

fn only_reads(method: &Method, path: &str) -> bool {
    let hands_out = || *method == Method::POST && HAND_OUT.iter().any(|last| path.ends_with(last));
    path.starts_with("/v1/") && (*method == Method::GET || hands_out())
}

fn likeness(request: &Request) -> u64 {
    let mut hasher = SEED.build_hasher();
    request.uri().path_and_query().hash(&mut hasher);
    request.headers().get(AUTHORIZATION).map(http::HeaderValue::as_bytes).hash(&mut hasher);
    hasher.finish()
}

const HAND_OUT: [&str; 2] = ["/reveal", "/materialize"];
/// Random per process, so that nobody can construct two requests that collide.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
