use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay, Matched};
use crate::problem::Problem;
use crate::request::{IfMatch, NoQuery, MemberPath, Path};

/// Ends a membership; tokens that carry it stop working at once.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/members/{principal}",
    tag = "members",
    params(MemberPath, IfMatch),
    responses(
        (status = 204, description = "Ended"),
        Guarded,
        InTheWay,
        Matched,
    ),
)]
pub(crate) async fn delete_member(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().delete_member(&caller, &path.account, &path.principal, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
