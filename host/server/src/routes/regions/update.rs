use axum::extract::State;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{FromParameters, IfMatch, RegionPath, Parameters, Path, Query, Unread};
use crate::schema;

/// Changes a region. Settings that decide where things are change only while
/// nothing is there; accounts that use it lose it only by force. For operators.
#[utoipa::path(
    patch,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(RegionPath, RegionUpdateQuery, IfMatch),
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
    Path(path): Path<RegionPath>,
    Query(query): Query<RegionUpdateQuery>,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<schema::RegionItem>, Problem> {
    let body = unread.merge_patch(&mut permit).await?;
    let view = app.broker().update_region(&permit, &path.region, body, query.force, if_match).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// How to change it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RegionUpdateQuery {
    /// Even where accounts use it that are not among its `accounts` any more:
    /// it is detached from them, as their `onDetach` says.
    #[param(default = false, value_type = Option<bool>, example = false)]
    force: bool,
}

impl FromParameters for RegionUpdateQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { force: parameters.flag("force") }
    }
}
