//! `/v1/accounts/{account}/credentials/{credential}/versions`: a credential's history.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{CallsPlugin, Conditional, MayConflict, NeedsToken};
use crate::problem::Problem;
use crate::reply;
use crate::reply::Tagged;
use crate::request::{CredentialPath, IfMatch, NoQuery, PageQuery, Path, Query, VersionPath};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_credential_versions)).routes(routes!(restore_credential_version))
}

/// A credential's history, newest first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}/versions",
    tag = "credentials",
    params(CredentialPath, PageQuery),
    responses(
        (status = 200, description = "A part of the history", body = api::Page<api::CredentialVersion>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_credential_versions(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::CredentialVersion>>, Problem> {
    let PageQuery { cursor, limit } = page;
    let versions = app
        .broker()
        .credentials
        .list_versions(&caller, &path.account, &path.credential, cursor.as_deref(), limit)
        .await?;
    Ok(reply::page(versions, api::CredentialVersion::from))
}

/// Makes an older version's data the data again, as a new version.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/versions/{version}/restore",
    tag = "credentials",
    params(VersionPath, IfMatch),
    responses(
        (status = 200, description = "The credential", body = api::Credential, headers(("ETag" = String, description = "Its new revision"))),
        NeedsToken,
        MayConflict,
        Conditional,
        CallsPlugin,
    ),
)]
pub(crate) async fn restore_credential_version(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<VersionPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<Tagged<api::CredentialItem>, Problem> {
    let VersionPath { account, credential, version } = path;
    let view = app.broker().credentials.restore_version(&caller, &account, &credential, version, if_match).await?;
    Ok(Tagged(view.revision, view.into()))
}
