//! Plugins, as operators see them and decide about them.

mod approve;
mod list;
mod revoke;
mod rollback;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_plugins))
        .routes(routes!(show::show_plugin))
        .routes(routes!(approve::approve_plugin))
        .routes(routes!(revoke::revoke_plugin))
        .routes(routes!(rollback::roll_plugin_back))
}
