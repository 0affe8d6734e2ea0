//! `/v1/regions` and `/v1/region-targets`: the installation's regions, and the kinds
//! of targets that they can have.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use bursar_regions::Mode;
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Conditional, MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::reply::{Created, Tagged};
use crate::request::{
    FromParameters, IdempotencyKeyHeader, IfMatch, NoQuery, PageQuery, Parameters, Path, Query, RegionPath, Unread,
};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_regions, create_region))
        .routes(routes!(show_region, update_region, delete_region))
        .routes(routes!(pause_region))
        .routes(routes!(resume_region))
        .routes(routes!(drain_region))
        .routes(routes!(check_region))
        .routes(routes!(list_region_targets))
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

/// How to delete.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RegionDeletionQuery {
    /// Even where accounts use it: what is there stays, and is nobody's from
    /// then on.
    #[param(default = false, value_type = Option<bool>, example = false)]
    force: bool,
}

impl FromParameters for RegionDeletionQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { force: parameters.flag("force") }
    }
}

/// The installation's regions, oldest first. Settings are shown to operators.
#[utoipa::path(
    get,
    path = "/v1/regions",
    tag = "regions",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::RegionItem>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_regions(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::RegionItem>>, Problem> {
    let regions = app.broker().regions.list(&caller, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(regions, api::RegionItem::from))
}

/// Makes a region. Nothing is put there until an account uses it. For
/// operators.
#[utoipa::path(
    post,
    path = "/v1/regions",
    tag = "regions",
    params(IdempotencyKeyHeader),
    request_body = api::CreateRegion,
    responses(
        (status = 201, description = "Made", body = api::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn create_region(
    State(app): State<App>,
    mut permit: Permit<permit::CreateRegion>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<api::RegionItem>, Problem> {
    let creation = unread.creation::<api::CreateRegion>(&mut permit).await?;
    let created = app.broker().regions.create(&permit, creation.body.map(Into::into), creation.key.as_ref()).await?;
    let view = created.value;
    Ok(Created {
        list: creation.path,
        id: view.region.id.to_string(),
        revision: Some(view.revision),
        replayed: created.replayed,
        body: view.into(),
    })
}

/// One region, as much of it as the caller may see; secret settings are shown
/// to nobody.
#[utoipa::path(
    get,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = api::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
    ),
)]
pub(crate) async fn show_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<api::RegionItem>, Problem> {
    let view = app.broker().regions.get(&caller, &path.region).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Changes a region. Settings that decide where things are change only while
/// nothing is there; accounts that use it lose it only by force. For operators.
#[utoipa::path(
    patch,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(RegionPath, RegionUpdateQuery, IfMatch),
    request_body(content((api::PatchRegion = "application/merge-patch+json"), (api::PatchRegion = "application/json"))),
    responses(
        (status = 200, description = "The region", body = api::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        ReadsBody,
        Conditional,
    ),
)]
pub(crate) async fn update_region(
    State(app): State<App>,
    mut permit: Permit<permit::UpdateRegion>,
    Path(path): Path<RegionPath>,
    Query(query): Query<RegionUpdateQuery>,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<api::RegionItem>, Problem> {
    let body = api::PatchRegion::command(unread.merge_patch(&mut permit).await?);
    let view = app.broker().regions.update(&permit, &path.region, body, query.force, if_match).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Deletes a region that no account uses. For operators.
#[utoipa::path(
    delete,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(RegionPath, RegionDeletionQuery, IfMatch),
    responses(
        (status = 204, description = "Deleted"),
        NeedsToken,
        MayConflict,
        Conditional,
    ),
)]
pub(crate) async fn delete_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    Query(query): Query<RegionDeletionQuery>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().regions.delete(&caller, &path.region, query.force, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has nothing changed in a region until it is resumed. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/pause",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = api::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn pause_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<api::RegionItem>, Problem> {
    let view = app.broker().regions.set_mode(&caller, &path.region, Mode::Paused).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Has a region kept in place again, after a pause or a drain. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/resume",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = api::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn resume_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<api::RegionItem>, Problem> {
    let view = app.broker().regions.set_mode(&caller, &path.region, Mode::Active).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Has what is ours removed from a region, of every account, and nothing put
/// until it is resumed. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/drain",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "The region", body = api::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn drain_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Tagged<api::RegionItem>, Problem> {
    let view = app.broker().regions.set_mode(&caller, &path.region, Mode::Draining).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Asks a region's target whether it can be reached and lets the broker in.
/// Changes nothing there. For operators.
#[utoipa::path(
    post,
    path = "/v1/regions/{region}/check",
    tag = "regions",
    params(RegionPath),
    responses(
        (status = 200, description = "What was found, good or bad", body = api::RegionCheck),
        NeedsToken,
    ),
)]
pub(crate) async fn check_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    _: NoQuery,
) -> Result<Json<api::RegionCheck>, Problem> {
    let found = to_the_end(async move { app.broker().regions.check(&caller, &path.region).await }).await?;
    Ok(Json(found.into()))
}

/// The kinds of targets that a region can have, by id, with their settings.
#[utoipa::path(
    get,
    path = "/v1/region-targets",
    tag = "regions",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::RegionTarget>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_region_targets(
    State(app): State<App>,
    Caller(_): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::RegionTarget>>, Problem> {
    let kinds = app.broker().regions.targets().iter().cloned();
    let kinds = reply::part(kinds, |kind| kind.id.to_owned(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(kinds, api::RegionTarget::from))
}
