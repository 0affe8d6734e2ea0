use axum::extract::State;
use bursar_domain::region::Mode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{NoQuery, RegionPath, Path};
use crate::schema;

/// Has what is ours removed from a region, of every account, and nothing put
/// until it is resumed. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/drain",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = schema::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn drain_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<schema::RegionItem>, Problem> {
    let view = app.broker().set_region_mode(&caller, &path.region, Mode::Draining).await?;
    Ok(Tagged(view.revision, view.into()))
}
