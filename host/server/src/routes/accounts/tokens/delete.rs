use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::request::{NoQuery, AccountTokenPath, Path};

/// Revokes a token, at once.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/tokens/{token}",
    tag = "tokens",
    params(AccountTokenPath),
    responses(
        (status = 204, description = "Revoked"),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn delete_token(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountTokenPath>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.broker().delete_token(&caller, Some(&path.account), path.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
