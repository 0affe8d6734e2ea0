use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::request::{NoQuery, OperatorTokenPath, Path};

/// Revokes a token, at once. For operators.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{token}",
    tag = "tokens",
    params(OperatorTokenPath),
    responses(
        (status = 204, description = "Revoked"),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn delete_operator_token(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<OperatorTokenPath>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.broker().delete_token(&caller, None, path.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
