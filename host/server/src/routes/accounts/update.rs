use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, AccountPath, NoQuery, Path, Unread};
use crate::schema;

/// Changes an account's title, or, for operators, its name.
#[utoipa::path(
    patch,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(AccountPath, IfMatch),
    request_body(content((schema::PatchAccount = "application/merge-patch+json"), (schema::PatchAccount = "application/json"))),
    responses(
        (status = 200, description = "Changed", body = schema::Account, headers(("ETag" = String, description = "Its new revision"))),
        Guarded,
        Writing,
        Matched,
    ),
)]
pub(crate) async fn update_account(
    State(app): State<App>,
    mut permit: Permit<permit::UpdateAccount>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<schema::Account>, Problem> {
    let changes = unread.merge_patch(&mut permit).await?;
    let (account, revision) = app.broker().update_account(&permit, &path.account, &changes, if_match).await?;
    Ok(Tagged(revision, account.into()))
}
