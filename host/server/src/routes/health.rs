//! `/healthz`, `/readyz` and `/metrics`: how the process fares.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use bursar_api as api;
use bursar_kernel::{Error, Kind};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::metrics::MEDIA_TYPE;
use crate::openapi::{NeedsToken, NotReady};
use crate::operations::Readiness;
use crate::problem::Problem;
use crate::request::{FromParameters, Parameters, Query};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).routes(routes!(metrics))
}

/// How much to tell.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadyQuery {
    /// What was looked at, and the nodes; also where it is not ready.
    #[param(default = false, value_type = Option<bool>, example = true)]
    verbose: bool,
}

impl FromParameters for ReadyQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { verbose: parameters.only_switch("verbose") }
    }
}

/// Whoever may read the metrics.
pub(crate) struct Reader;

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.config().metrics_public {
            Caller::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}

/// That the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "installation",
    responses((status = 200, description = "It lives", body = api::Health)),
    security(()),
)]
pub(crate) async fn health(State(app): State<App>) -> Json<api::Health> {
    Json(api::Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: api::HealthEngine { allocator: app.operations().engine().allocator.to_owned() },
    })
}

/// That requests can be answered: the store can be written, the root key is the one
/// in force, and the clock is right. `?verbose` tells each of these, and of the
/// nodes that share the store.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "installation",
    params(ReadyQuery),
    responses((status = 200, description = "It is ready", body = api::Ready), NotReady),
    security(()),
)]
pub(crate) async fn ready(
    State(app): State<App>,
    Query(query): Query<ReadyQuery>,
) -> Result<(StatusCode, Json<api::Ready>), Problem> {
    let readiness = app.operations().readiness().await;
    let obstacle = readiness.obstacle();
    if let (Some(obstacle), false) = (obstacle, query.verbose) {
        return Err(Error::new(Kind::Unavailable, obstacle).into());
    }
    let status = if obstacle.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(ready_body(&readiness, query.verbose))))
}

fn ready_body(readiness: &Readiness, verbose: bool) -> api::Ready {
    let is_ready = readiness.obstacle().is_none();
    api::Ready {
        status: if is_ready { "ready" } else { "notReady" }.to_owned(),
        checks: verbose.then(|| readiness.checks.iter().map(api::ReadyCheck::from).collect()),
        nodes: verbose.then(|| readiness.nodes.iter().map(api::Node::from).collect()),
    }
}

/// What is counted, for Prometheus. Needs any valid token, unless the operator
/// made it public.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "installation",
    responses(
        (status = 200, description = "OpenMetrics text", content_type = "application/openmetrics-text", body = String),
        NeedsToken,
    ),
)]
pub(crate) async fn metrics(State(app): State<App>, _: Reader) -> Result<Response, Problem> {
    let text = app
        .metrics()
        .encode()
        .map_err(|error| Error::new(Kind::Internal, "the metrics could not be written out").because(error))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}
