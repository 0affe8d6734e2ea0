use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{AccountPath, Page, Path, Query};
use crate::{reply, schema};

/// The regions that an account uses, by name, and how its credentials stand
/// there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/regions",
    tag = "regions",
    params(AccountPath, Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::AccountRegion>),
        Guarded,
    ),
)]
pub(crate) async fn list_account_regions(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::AccountRegion>>, Problem> {
    let regions = app.broker().account_regions(&caller, &path.account).await?;
    let regions = reply::part(regions, |region| region.name.clone(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(regions, schema::AccountRegion::from))
}
