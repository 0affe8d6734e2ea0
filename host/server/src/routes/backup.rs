use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bursar_domain::audit::Action;
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::NoQuery;

/// A consistent snapshot of all rows as ciphertext; the root key is not in it.
/// For operators.
#[utoipa::path(
    post,
    path = "/v1/backup",
    tag = "installation",
    responses(
        (status = 200, description = "The snapshot", content_type = "application/octet-stream", body = String),
        Guarded,
    ),
)]
pub(crate) async fn backup(State(app): State<App>, Caller(caller): Caller, _: NoQuery) -> Result<Response, Problem> {
    app.broker().begin_operation(&caller, Action::InstallationBackup).await?;
    let rows = app.operations().backup().await?;
    let headers = [(CONTENT_TYPE, "application/octet-stream")];
    Ok((headers, Body::from_stream(rows)).into_response())
}
