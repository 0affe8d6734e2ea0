use axum::extract::State;
use bursar_domain::region::Mode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{NoQuery, RegionPath, Path};
use crate::schema;

/// Has nothing changed in a region until it is resumed. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/pause",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = schema::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn pause_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<schema::RegionItem>, Problem> {
    let view = app.broker().set_region_mode(&caller, &path.region, Mode::Paused).await?;
    Ok(Tagged(view.revision, view.into()))
}
