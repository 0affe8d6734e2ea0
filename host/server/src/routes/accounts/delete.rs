use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay, Matched};
use crate::problem::Problem;
use crate::request::{IfMatch, AccountPath, NoQuery, Path};

/// Deletes an empty account with its members and tokens. For operators.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(AccountPath, IfMatch),
    responses(
        (status = 204, description = "Deleted"),
        Guarded,
        InTheWay,
        Matched,
    ),
)]
pub(crate) async fn delete_account(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().delete_account(&caller, &path.account, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
