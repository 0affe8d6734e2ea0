use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay, Matched};
use crate::problem::Problem;
use crate::request::{IfMatch, NoQuery, BindingPath, Path};

/// Ends a binding: the consumer uses the account's default again, where its
/// slot has one.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/bindings/{consumer}/{slot}",
    tag = "bindings",
    params(BindingPath, IfMatch),
    responses(
        (status = 204, description = "Ended"),
        Guarded,
        InTheWay,
        Matched,
    ),
)]
pub(crate) async fn delete_binding(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<BindingPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().delete_binding(&caller, &path.account, (&path.consumer, &path.slot), if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
