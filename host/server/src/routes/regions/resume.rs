use axum::extract::State;
use bursar_domain::region::Mode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{NoQuery, RegionPath, Path};
use crate::schema;

/// Has a region kept in place again, after a pause or a drain. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/resume",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = schema::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn resume_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<schema::RegionItem>, Problem> {
    let view = app.broker().set_region_mode(&caller, &path.region, Mode::Active).await?;
    Ok(Tagged(view.revision, view.into()))
}
