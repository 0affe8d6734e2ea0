use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{NoQuery, CredentialTypePath, Path};
use crate::schema;

/// One loaded credential type.
#[utoipa::path(
    get,
    path = "/v1/credential-types/{type}",
    tag = "credential types",
    params(CredentialTypePath),
    responses(
        (status = 200, description = "The type", body = schema::CredentialType),
        Guarded,
    ),
)]
pub(crate) async fn show_credential_type(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialTypePath>,
    _: NoQuery,
) -> Result<Json<schema::CredentialType>, Problem> {
    let of = app.broker().credential_type(&caller, &path.r#type)?;
    Ok(Json(schema::CredentialType::from(&*of)))
}
