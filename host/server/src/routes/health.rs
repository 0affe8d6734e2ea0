use axum::Json;
use axum::extract::State;

use bursar_domain::{Error, Kind};
use http::StatusCode;
use utoipa::IntoParams;

use crate::app::App;
use crate::openapi::NotReady;
use crate::problem::Problem;
use crate::request::{FromParameters, Parameters, Query};
use crate::schema;

/// That the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "installation",
    responses((status = 200, description = "It lives", body = schema::Health)),
    security(()),
)]
pub(crate) async fn health(State(app): State<App>) -> Json<schema::Health> {
    Json(schema::Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: schema::HealthEngine { allocator: app.operations().engine().allocator.to_owned() },
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
    responses((status = 200, description = "It is ready", body = schema::Ready), NotReady),
    security(()),
)]
pub(crate) async fn ready(
    State(app): State<App>,
    Query(query): Query<ReadyQuery>,
) -> Result<(StatusCode, Json<schema::Ready>), Problem> {
    let readiness = app.operations().readiness().await;
    let obstacle = readiness.obstacle();
    if let (Some(obstacle), false) = (obstacle, query.verbose) {
        return Err(Error::new(Kind::Unavailable, obstacle).into());
    }
    let status = if obstacle.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(schema::Ready::of(&readiness, query.verbose))))
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
