use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{AccountPath, NoQuery, Path};
use crate::schema;

/// One account.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(AccountPath),
    responses(
        (status = 200, description = "The account", body = schema::Account, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
    ),
)]
pub(crate) async fn show_account(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    _: NoQuery,
) -> Result<Tagged<schema::Account>, Problem> {
    let (account, revision) = app.broker().account(&caller, &path.account).await?;
    Ok(Tagged(revision, account.into()))
}
