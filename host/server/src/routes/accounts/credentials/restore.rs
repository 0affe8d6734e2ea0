use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{CredentialPath, NoQuery, Path};
use crate::schema;

/// Brings a deleted credential back under its name.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/restore",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = schema::Credential, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn restore_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<Value>, Problem> {
    let view = app.broker().restore_credential(&caller, &path.account, &path.credential).await?;
    Ok(Tagged(view.revision, view.to_json()))
}
