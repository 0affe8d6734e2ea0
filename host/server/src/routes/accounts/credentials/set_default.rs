use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{CredentialPath, NoQuery, Path};
use crate::schema;

/// Makes a credential its account's default for its type.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/set-default",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = schema::Credential, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn set_default_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<Value>, Problem> {
    let view = app.broker().set_default(&caller, &path.account, &path.credential).await?;
    Ok(Tagged(view.revision, view.to_json()))
}
