use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{AccountRegionPath, NoQuery, Path};
use crate::schema;

/// How an account uses a region, and how its credentials stand there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/regions/{region}",
    tag = "regions",
    params(AccountRegionPath),
    responses(
        (status = 200, description = "The use", body = schema::AccountRegion, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
    ),
)]
pub(crate) async fn show_account_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
) -> Result<Tagged<schema::AccountRegion>, Problem> {
    let region = app.broker().account_region(&caller, &path.account, &path.region).await?;
    Ok(Tagged(region.revision, region.into()))
}
