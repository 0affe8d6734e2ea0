//! `/v1/accounts/{account}/{resolve,resolve-image}`: the credential for a consumer, or
//! for an image.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{CallsPlugin, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::request::{AccountPath, NoQuery, Path, Unread};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(resolve)).routes(routes!(resolve_image))
}

/// Finds what a consumer uses in a slot: what is bound there, or the account's
/// default. With a format it is handed out too. Answers once the audit record of
/// it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/resolve",
    tag = "bindings",
    params(AccountPath),
    request_body = api::Resolve,
    responses(
        (status = 200, description = "The credential, and its files where a format was asked for", body = api::Resolved),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    mut permit: Permit<permit::Resolve>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Resolved>, Problem> {
    let api::Resolve { consumer, slot, format } = unread.json(&mut permit).await?.accept()?;
    let resolved = app.broker().bindings.resolve(&permit, &path.account, &consumer, &slot, format.as_deref()).await?;
    Ok(Json(resolved.into()))
}

/// Finds the credential for an image, by its registry and the longest prefix of
/// its path. Where none matches the answer is 404: a default for another
/// registry is not sent there.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/resolve-image",
    tag = "bindings",
    params(AccountPath),
    request_body = api::ResolveImage,
    responses(
        (status = 200, description = "The credential, and its files where a format was asked for", body = api::Resolved),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn resolve_image(
    State(app): State<App>,
    mut permit: Permit<permit::ResolveImage>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Resolved>, Problem> {
    let api::ResolveImage { image, format } = unread.json(&mut permit).await?.accept()?;
    let resolved = app.broker().bindings.resolve_image(&permit, &path.account, &image, format.as_deref()).await?;
    Ok(Json(resolved.into()))
}
