pub(super) mod restore;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{CredentialPath, Page, Path, Query};
use crate::{reply, schema};

/// A credential's history, newest first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}/versions",
    tag = "credentials",
    params(CredentialPath, Page),
    responses(
        (status = 200, description = "A part of the history", body = schema::Page<schema::CredentialVersion>),
        Guarded,
    ),
)]
pub(crate) async fn list_credential_versions(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<Value>>, Problem> {
    let Page { cursor, limit } = page;
    let versions =
        app.broker().list_versions(&caller, &path.account, &path.credential, cursor.as_deref(), limit).await?;
    Ok(reply::page(versions, |version| version.to_json()))
}
