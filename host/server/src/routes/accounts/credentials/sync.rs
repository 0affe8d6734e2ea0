use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::auth::Caller;
use crate::detached::to_the_end;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{CredentialPath, NoQuery, Path};
use crate::schema;

/// Puts a credential right in every region that its account uses, now; how it
/// stands then is in `sync`.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/sync",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = schema::Credential, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn sync_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<Value>, Problem> {
    let syncing = async move { app.broker().sync_credential(&caller, &path.account, &path.credential).await };
    let view = to_the_end(syncing).await?;
    Ok(Tagged(view.revision, view.to_json()))
}
