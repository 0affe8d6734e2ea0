//! Plugins, as operators see them.

mod list;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list::list_plugins)).routes(routes!(show::show_plugin))
}
