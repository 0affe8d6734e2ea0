//! `/v1/me`: the caller.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use bursar_kernel::Authority;
use bursar_kernel::clock::rfc3339;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::NeedsToken;
use crate::problem::Problem;
use crate::request::NoQuery;

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Who the token is, and which accounts it may enter.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "access",
    responses(
        (status = 200, description = "The caller", body = api::Me),
        NeedsToken,
    ),
)]
pub(crate) async fn me(State(app): State<App>, Caller(caller): Caller, _: NoQuery) -> Result<Json<api::Me>, Problem> {
    let accounts = app.broker().accounts.of(&caller).await?;
    Ok(Json(api::Me {
        kind: caller.kind().into(),
        operator: caller.authority == Authority::Operator,
        name: caller.name,
        principal: caller.principal,
        accounts: accounts.into_iter().map(api::MyAccount::from).collect(),
        expires_at: caller.expires_at.map(rfc3339),
    }))
}
