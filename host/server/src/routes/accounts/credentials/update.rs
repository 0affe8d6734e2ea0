use axum::extract::State;
use serde_json::Value;

use super::preflight::PreflightQuery;
use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Matched, Plugged, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, CredentialPath, Path, Query, Unread};
use crate::schema;

/// Changes a credential; an absent secret keeps its value.
#[utoipa::path(
    patch,
    path = "/v1/accounts/{account}/credentials/{credential}",
    tag = "credentials",
    params(CredentialPath, PreflightQuery, IfMatch),
    request_body(content((schema::PatchCredential = "application/merge-patch+json"), (schema::PatchCredential = "application/json"))),
    responses(
        (status = 200, description = "Changed", body = schema::Credential, headers(("ETag" = String, description = "Its new revision"))),
        Guarded,
        Writing,
        Matched,
        Plugged,
    ),
)]
pub(crate) async fn update_credential(
    State(app): State<App>,
    mut permit: Permit<permit::UpdateCredential>,
    Path(path): Path<CredentialPath>,
    Query(query): Query<PreflightQuery>,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<Value>, Problem> {
    let changes = unread.merge_patch(&mut permit).await?;
    let CredentialPath { account, credential } = path;
    let view = to_the_end(async move {
        app.broker().update_credential(&permit, &account, &credential, changes, if_match, query.probe).await
    });
    let view = view.await?;
    Ok(Tagged(view.revision, view.to_json()))
}
