//! `/v1/backup` and `/v1/rekey`: the whole installation's rows, and their root key.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bursar_api as api;
use bursar_kernel::audit::Action;
use http::header::CONTENT_TYPE;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{MayConflict, NeedsToken};
use crate::problem::Problem;
use crate::request::{FromParameters, NoQuery, Parameters, Query};

pub(super) fn long_running() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(backup)).routes(routes!(rekey))
}

/// How to rotate it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RotationQuery {
    /// Even where other nodes are at work.
    #[param(default = false, value_type = Option<bool>, example = false)]
    force: bool,
}

impl FromParameters for RotationQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { force: parameters.flag("force") }
    }
}

/// A consistent snapshot of all rows as ciphertext; the root key is not in it.
/// For operators.
#[utoipa::path(
    post,
    path = "/v1/backup",
    tag = "installation",
    responses(
        (status = 200, description = "The snapshot", content_type = "application/octet-stream", body = String),
        NeedsToken,
    ),
)]
pub(crate) async fn backup(State(app): State<App>, Caller(caller): Caller, _: NoQuery) -> Result<Response, Problem> {
    app.broker().installation.begin_operation(&caller, Action::InstallationBackup).await?;
    let rows = app.operations().backup().await?;
    let headers = [(CONTENT_TYPE, "application/octet-stream")];
    Ok((headers, Body::from_stream(rows)).into_response())
}

/// Rotates the root key: every key under it is wrapped again, no data is
/// rewritten. Where other nodes are at work it is refused unless forced: they take
/// the new key up by themselves once it is where their settings say. For
/// operators.
#[utoipa::path(
    post,
    path = "/v1/rekey",
    tag = "installation",
    params(RotationQuery),
    responses(
        (status = 200, description = "Rotated", body = api::Rekeyed),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn rekey(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(query): Query<RotationQuery>,
) -> Result<Json<api::Rekeyed>, Problem> {
    app.broker().installation.begin_operation(&caller, Action::InstallationRekey).await?;
    Ok(Json(api::Rekeyed { rewrapped: app.operations().rekey(query.force).await? }))
}
