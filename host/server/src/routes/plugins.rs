//! `/v1/plugins`: the plugins, and what operators decide about them.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use bursar_kernel::plugin::{PluginStatus, State as InState};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::openapi::{MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::request::{NoQuery, PageQuery, Path, PluginPath, Query, Unread};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_plugins))
        .routes(routes!(show_plugin))
        .routes(routes!(approve_plugin))
        .routes(routes!(revoke_plugin))
        .routes(routes!(roll_plugin_back))
}

/// Every plugin and how it fares, by id. One id occurs more than once where a
/// new file waits or was refused while the one before it serves. For operators.
#[utoipa::path(
    get,
    path = "/v1/plugins",
    tag = "plugins",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::Plugin>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_plugins(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::Plugin>>, Problem> {
    let plugins = app.broker().approvals.list(&caller).await?;
    let key = |of: &PluginStatus| {
        let rank = u8::from(of.state != InState::Active);
        format!("{} {rank} {} {}", of.id, of.source, of.digest)
    };
    let plugins = reply::part(plugins, key, page.cursor.as_deref(), page.limit);
    Ok(reply::page(plugins, api::Plugin::from))
}

/// One plugin: the one in force where there is one. For operators.
#[utoipa::path(
    get,
    path = "/v1/plugins/{plugin}",
    tag = "plugins",
    params(PluginPath),
    responses(
        (status = 200, description = "The plugin", body = api::Plugin),
        NeedsToken,
    ),
)]
pub(crate) async fn show_plugin(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<PluginPath>,
    _: NoQuery,
) -> Result<Json<api::Plugin>, Problem> {
    Ok(Json(app.broker().approvals.get(&caller, &path.plugin).await?.into()))
}

/// Grants what a plugin asks for: what waits for it, or else what is in force.
/// It then takes over at once. For operators.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}/approve",
    tag = "plugins",
    params(PluginPath),
    request_body = Option<api::DecidePlugin>,
    responses(
        (status = 200, description = "The plugin that was approved", body = api::Plugin),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn approve_plugin(
    State(app): State<App>,
    mut permit: Permit<permit::ApprovePlugin>,
    Path(path): Path<PluginPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Plugin>, Problem> {
    let api::DecidePlugin { digest } = unread.optional_json(&mut permit).await?.unwrap_or_default().accept()?;
    Ok(Json(app.broker().approvals.approve(&permit, &path.plugin, digest.as_deref()).await?.into()))
}

/// Takes back what a plugin may: it is not called again until it is approved.
/// Its credentials can be read meanwhile. For operators.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}/revoke",
    tag = "plugins",
    params(PluginPath),
    responses(
        (status = 200, description = "The plugin", body = api::Plugin),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn revoke_plugin(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<PluginPath>,
    _: NoQuery,
) -> Result<Json<api::Plugin>, Problem> {
    Ok(Json(app.broker().approvals.revoke(&caller, &path.plugin).await?.into()))
}

/// Puts the component in force that was in force before, and keeps it there
/// until the plugin's file holds another one or what was set aside is approved.
/// What it asks for is granted with it. For operators.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}/rollback",
    tag = "plugins",
    params(PluginPath),
    request_body = Option<api::DecidePlugin>,
    responses(
        (status = 200, description = "The plugin that is in force now", body = api::Plugin),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn roll_plugin_back(
    State(app): State<App>,
    mut permit: Permit<permit::RollPluginBack>,
    Path(path): Path<PluginPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Plugin>, Problem> {
    let api::DecidePlugin { digest } = unread.optional_json(&mut permit).await?.unwrap_or_default().accept()?;
    Ok(Json(app.broker().approvals.roll_back(&permit, &path.plugin, digest.as_deref()).await?.into()))
}
