use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, NoQuery, OfRegion, Path, Unread};
use crate::schema;

/// Changes a region. Settings that decide where things are change only while
/// nothing is there. For operators.
#[utoipa::path(
    patch,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(OfRegion, IfMatch),
    request_body(content((schema::PatchRegion = "application/merge-patch+json"), (schema::PatchRegion = "application/json"))),
    responses(
        (status = 200, description = "The region", body = schema::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        Writing,
        Matched,
    ),
)]
pub(crate) async fn update_region(
    State(app): State<App>,
    mut permit: Permit<permit::UpdateRegion>,
    Path(path): Path<OfRegion>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<schema::RegionItem>, Problem> {
    let body = unread.merge_patch(&mut permit).await?;
    let view = app.broker().update_region(&permit, &path.region, body, if_match).await?;
    Ok(Tagged(view.revision, view.into()))
}
