//! The service: the routes and the layers around them, in order.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::{guard, lingering, observe, prefetch, routes};

/// The whole HTTP surface.
///
/// From the outside in: [`observe`](mod@crate::observe) (id, span, metrics), security headers,
/// draining of unread bodies, panics to problems, the time limit; then the route,
/// whose extractors authenticate, rate-limit and authorize the caller before the
/// body is read.
pub fn router(app: App) -> Router {
    let (bounded, _) = routes::bounded().split_for_parts();
    let (long_running, _) = routes::long_running().split_for_parts();
    bounded
        .layer(from_fn_with_state(app.clone(), prefetch::read_ahead))
        .layer(from_fn_with_state(app.clone(), guard::time_out))
        .merge(long_running)
        .fallback(guard::no_such_route)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(CatchPanicLayer::custom(guard::answer_panic))
        .layer(from_fn(lingering::linger))
        .layer(from_fn(guard::harden))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}
