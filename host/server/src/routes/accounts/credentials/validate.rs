use axum::extract::State;
use http::StatusCode;

use super::preflight::PreflightQuery;
use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{AccountPath, Path, Query, Unread};
use crate::schema;

/// Says what creating would say, with every error at once, and stores nothing.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/validate",
    tag = "credentials",
    params(AccountPath, PreflightQuery),
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
    mut permit: Permit<permit::ValidateCredential>,
    Path(path): Path<AccountPath>,
    Query(query): Query<PreflightQuery>,
    unread: Unread,
) -> Result<StatusCode, Problem> {
    let body = unread.json(&mut permit).await?;
    to_the_end(async move { app.broker().validate_credential(&permit, &path.account, body, query.probe).await })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
