//! `/v1/accounts/{account}/credentials/{credential}/{restore,set-default,sync}`.

use axum::extract::State;
use bursar_api as api;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::detached::to_the_end;
use crate::openapi::{MayConflict, NeedsToken};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{CredentialPath, NoQuery, Path};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(restore_credential)).routes(routes!(set_default_credential))
}

pub(super) fn long_running() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sync_credential))
}

/// Brings a deleted credential back under its name.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/restore",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = api::Credential, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn restore_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<api::CredentialItem>, Problem> {
    let view = app.broker().deletions.restore(&caller, &path.account, &path.credential).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Makes a credential its account's default for its type.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/set-default",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = api::Credential, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn set_default_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<api::CredentialItem>, Problem> {
    let view = app.broker().credentials.set_default(&caller, &path.account, &path.credential).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Puts a credential right in every region that its account uses, now; how it
/// stands then is in `sync`.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/sync",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = api::Credential, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn sync_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<api::CredentialItem>, Problem> {
    let syncing =
        async move { app.broker().attachments.sync_credential(&caller, &path.account, &path.credential).await };
    let view = to_the_end(syncing).await?;
    Ok(Tagged(view.revision, view.into()))
}
