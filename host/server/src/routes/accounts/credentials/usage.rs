use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, Path};
use crate::schema;

/// Who depends on a credential, and who has used it.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}/usage",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "Bindings and last uses", body = schema::CredentialUsage),
        Guarded,
    ),
)]
pub(crate) async fn show_credential_usage(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Json<schema::CredentialUsage>, Problem> {
    Ok(Json(app.broker().usage(&caller, &path.account, &path.credential).await?.into()))
}
