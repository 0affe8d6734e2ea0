use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{CredentialPath, NoQuery, Path};
use crate::schema;

/// One credential, as much of it as the caller may see.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = schema::CredentialItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
    ),
)]
pub(crate) async fn show_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<Value>, Problem> {
    let view = app.broker().credential(&caller, &path.account, &path.credential).await?;
    Ok(Tagged(view.revision, view.to_json()))
}
