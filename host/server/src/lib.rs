//! Bursar's HTTP surface: the JSON API under `/v1`, its OpenAPI description,
//! health and metrics, and the server that listens for them.
//!
//! Start at [`router()`] for what exists and in which order a request passes the
//! layers, then read one file under `routes/`: each holds the operations of one
//! resource, a description and a handler for each. A handler decodes, calls one
//! function of [`bursar_broker::Broker`] and encodes; it decides nothing.
//!
//! Unknown here: storage, WebAssembly, the wall clock and every credential type.
//! Operations of the installation beyond the broker come in through [`Operations`].

#![forbid(unsafe_code)]
#![expect(clippy::doc_markdown, reason = "OpenAPI and OpenMetrics are names, not code")]

mod app;
mod auth;
mod background;
mod detached;
mod docs;
mod guard;
mod lingering;
mod metrics;
mod observe;
mod openapi;
mod operations;
mod prefetch;
mod problem;
mod reply;
mod request;
mod request_id;
mod router;
#[expect(unused_qualifications, reason = "what utoipa's path macro makes of parameters")]
mod routes;
mod serve;
mod sse;
mod watch;
mod work;

pub use app::{App, RateLimit, ServerConfig};
/// What a request is answered with; see [`Operations::reading_ahead`].
pub use axum::response::Response;
pub use openapi::document;
pub use operations::{Check, Engine, Operations, PluginCalls, Readiness, Stats};
pub use request::{ForwardedHeader, TrustedProxies};
pub use router::router;
pub use serve::{ServeError, TlsFiles, TlsIdentity, serve};
pub use watch::{EventStreams, Watchers};
