use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, InAccount, MergePatch, NoQuery, Path};
use crate::schema;

/// Changes an account's title, or, for operators, its name.
#[utoipa::path(
    patch,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(InAccount, IfMatch),
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
    Caller(caller): Caller,
    Path(path): Path<InAccount>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    MergePatch(changes): MergePatch,
) -> Result<Tagged<schema::Account>, Problem> {
    let (account, revision) = app.broker().update_account(&caller, &path.account, &changes, if_match).await?;
    Ok(Tagged(revision, account.into()))
}
