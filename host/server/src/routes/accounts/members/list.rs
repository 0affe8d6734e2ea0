use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{AccountPath, Page, Path, Query};
use crate::{reply, schema};

/// The members of an account, by principal.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/members",
    tag = "members",
    params(AccountPath, Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::Member>),
        Guarded,
    ),
)]
pub(crate) async fn list_members(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::Member>>, Problem> {
    let members = app.broker().list_members(&caller, &path.account, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(members, schema::Member::from))
}
