use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::detached::to_the_end;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{NoQuery, RegionPath, Path};
use crate::schema;

/// Asks a region's target whether it can be reached and lets the broker in.
/// Changes nothing there. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/check",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "What was found, good or bad", body = schema::RegionCheck),
        Guarded,
    ),
)]
pub(crate) async fn check_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Json<schema::RegionCheck>, Problem> {
    let found = to_the_end(async move { app.broker().check_region(&caller, &path.region).await }).await?;
    Ok(Json(found.into()))
}
