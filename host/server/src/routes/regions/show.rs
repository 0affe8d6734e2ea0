use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{NoQuery, RegionPath, Path};
use crate::schema;

/// One region, as much of it as the caller may see; secret settings are shown
/// to nobody.
#[utoipa::path(
    get,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = schema::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
    ),
)]
pub(crate) async fn show_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<schema::RegionItem>, Problem> {
    let view = app.broker().region(&caller, &path.region).await?;
    Ok(Tagged(view.revision, view.into()))
}
