use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// The accounts the caller may enter.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    tag = "accounts",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::Account>),
        Guarded,
    ),
)]
pub(crate) async fn list_accounts(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::Account>>, Problem> {
    let accounts = app.broker().list_accounts(&caller, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(accounts, schema::Account::from))
}
