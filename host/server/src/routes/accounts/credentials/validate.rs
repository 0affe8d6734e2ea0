use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{InAccount, Json, NoQuery, Path};
use crate::schema;

/// Says what creating would say, with every error at once, and stores nothing.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/validate",
    tag = "credentials",
    params(InAccount),
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
    _: NoQuery,
    Json(body): Json,
) -> Result<StatusCode, Problem> {
    app.broker().validate_credential(&caller, &path.account, body).await?;
    Ok(StatusCode::NO_CONTENT)
}
