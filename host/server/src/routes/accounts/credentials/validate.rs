use axum::extract::State;
use http::StatusCode;

use super::preflight::PreflightQuery;
use crate::app::App;
use crate::auth::Caller;
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{InAccount, Json, Path, Query};
use crate::schema;

/// Says what creating would say, with every error at once, and stores nothing.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/validate",
    tag = "credentials",
    params(InAccount, PreflightQuery),
    request_body = schema::CreateCredential,
    responses(
        (status = 204, description = "It could be created"),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn validate_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<InAccount>,
    Query(query): Query<PreflightQuery>,
    Json(body): Json,
) -> Result<StatusCode, Problem> {
    to_the_end(async move { app.broker().validate_credential(&caller, &path.account, body, query.probe).await })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
