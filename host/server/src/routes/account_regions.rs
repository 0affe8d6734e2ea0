//! `/v1/accounts/{account}/regions`: the regions that an account uses.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bursar_api as api;
use bursar_regions::OnDetach;
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Conditional, MayConflict, NeedsToken, ReadsBody, RegionIncomplete};
use crate::problem::Problem;
use crate::reply;
use crate::reply::Tagged;
use crate::request::{
    AccountPath, AccountRegionPath, FromParameters, IfMatch, NoQuery, PageQuery, Parameters, Path, Query, Unread,
    WantsEvents,
};
use crate::work::{self, Outcome};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_account_regions)).routes(routes!(
        show_account_region,
        attach_region,
        detach_region
    ))
}

pub(super) fn long_running() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ensure_region)).routes(routes!(sync_region)).routes(routes!(plan_region))
}

/// How to let go.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct DetachQuery {
    /// What happens to what is there; absent: as it was attached.
    #[param(value_type = Option<api::OnDetach>, inline, example = "remove")]
    on_detach: Option<OnDetach>,
}

impl FromParameters for DetachQuery {
    fn take(parameters: &mut Parameters) -> Self {
        let text = parameters.text("onDetach");
        let on_detach = text.as_deref().and_then(OnDetach::parse);
        if text.is_some() && on_detach.is_none() {
            parameters.complain("onDetach", "unknown", "This is `remove` or `keep`.");
        }
        Self { on_detach }
    }
}

/// The regions that an account uses, by name, and how its credentials stand
/// there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/regions",
    tag = "regions",
    params(AccountPath, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::AccountRegion>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_account_regions(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::AccountRegion>>, Problem> {
    let regions = app.broker().attachments.attached(&caller, &path.account).await?;
    let regions = reply::part(regions, |region| region.name.clone(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(regions, api::AccountRegion::from))
}

/// How an account uses a region, and how its credentials stand there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/regions/{region}",
    tag = "regions",
    params(AccountRegionPath),
    responses(
        (status = 200, description = "The use", body = api::AccountRegion, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
    ),
)]
pub(crate) async fn show_account_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
) -> Result<Tagged<api::AccountRegion>, Problem> {
    let region = app.broker().attachments.attachment(&caller, &path.account, &path.region).await?;
    Ok(Tagged(region.revision, region.into()))
}

/// Has an account use a region, or use it in another way. Its credentials are
/// put there from then on, in the background.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/regions/{region}",
    tag = "regions",
    params(AccountRegionPath, IfMatch),
    request_body = api::AttachRegion,
    responses(
        (status = 200, description = "The use", body = api::AccountRegion, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        ReadsBody,
        Conditional,
    ),
)]
pub(crate) async fn attach_region(
    State(app): State<App>,
    mut permit: Permit<permit::AttachRegion>,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<api::AccountRegion>, Problem> {
    let body = unread.json::<api::AttachRegion>(&mut permit).await?.map(Into::into);
    let region = app.broker().attachments.attach(&permit, &path.account, &path.region, body, if_match).await?;
    Ok(Tagged(region.revision, region.into()))
}

/// Has an account let go of a region. What cannot be removed now is removed
/// when it can; until then the region shows as `detaching`.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/regions/{region}",
    tag = "regions",
    params(AccountRegionPath, DetachQuery, IfMatch),
    responses(
        (status = 204, description = "It has let go"),
        NeedsToken,
        MayConflict,
        Conditional,
    ),
)]
pub(crate) async fn detach_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    Query(query): Query<DetachQuery>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    let letting_go = async move {
        app.broker().attachments.detach(&caller, &path.account, &path.region, query.on_detach, if_match).await
    };
    to_the_end(letting_go).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Waits until every credential of the account is in place in a region, or
/// names those that are not.
///
/// To be asked before a deployment. An account that does not use the region yet
/// does from now on; what is in place is not touched, so asking again does
/// nothing. As a stream: `progress` events (`SyncProgress`), then one `result`
/// with the same JSON, or one `problem`. What has begun is done to its end, also
/// where the client hangs up.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/regions/{region}/ensure",
    tag = "regions",
    params(AccountRegionPath, WantsEvents),
    responses(
        (status = 200, description = "Everything is in place", content(
            (api::EnsuredRegion = "application/json"),
            (String = "text/event-stream"),
        )),
        NeedsToken,
        RegionIncomplete,
    ),
)]
pub(crate) async fn ensure_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
    WantsEvents(wants_events): WantsEvents,
) -> Result<Response, Problem> {
    let broker = app.clone();
    let ensuring = |on_step: work::OnStep| async move {
        let ensured = broker.broker().attachments.ensure(&caller, &path.account, &path.region, &*on_step).await?;
        Ok(Outcome::new(ensured.ready(), &api::EnsuredRegion::from(ensured)))
    };
    work::answer(&app, wants_events, ensuring).await
}

/// Looks at everything an account has in a region and puts right what is not,
/// also what others changed there.
///
/// As a stream: `progress` events (`SyncProgress`), then one `result` with the
/// same JSON, or one `problem`.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/regions/{region}/sync",
    tag = "regions",
    params(AccountRegionPath, WantsEvents),
    responses(
        (status = 200, description = "Everything is in place", content(
            (api::EnsuredRegion = "application/json"),
            (String = "text/event-stream"),
        )),
        NeedsToken,
        RegionIncomplete,
    ),
)]
pub(crate) async fn sync_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
    WantsEvents(wants_events): WantsEvents,
) -> Result<Response, Problem> {
    let broker = app.clone();
    let syncing = |on_step: work::OnStep| async move {
        let synced = broker.broker().attachments.sync(&caller, &path.account, &path.region, &*on_step).await?;
        Ok(Outcome::new(synced.ready(), &api::EnsuredRegion::from(synced)))
    };
    work::answer(&app, wants_events, syncing).await
}

/// What a sync of a region would do about each of an account's credentials. It
/// looks at the target and changes nothing; of a region that the account does
/// not use it tells what would be if it did.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/regions/{region}/plan",
    tag = "regions",
    params(AccountRegionPath),
    responses(
        (status = 200, description = "The plan", body = api::RegionPlan),
        NeedsToken,
    ),
)]
pub(crate) async fn plan_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
) -> Result<Json<api::RegionPlan>, Problem> {
    Ok(Json(app.broker().attachments.plan(&caller, &path.account, &path.region).await?.into()))
}
