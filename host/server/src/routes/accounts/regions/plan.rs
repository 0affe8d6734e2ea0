use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{AccountRegionPath, NoQuery, Path};
use crate::schema;

/// What a sync of a region would do about each of an account's credentials. It
/// looks at the target and changes nothing; of a region that the account does
/// not use it tells what would be if it did.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/regions/{region}/plan",
    tag = "regions",
    params(AccountRegionPath),
    responses(
        (status = 200, description = "The plan", body = schema::RegionPlan),
        Guarded,
    ),
)]
pub(crate) async fn plan_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
) -> Result<Json<schema::RegionPlan>, Problem> {
    Ok(Json(app.broker().plan_region(&caller, &path.account, &path.region).await?.into()))
}
