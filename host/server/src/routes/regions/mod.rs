//! Regions of the installation.

mod check;
mod create;
mod delete;
mod drain;
mod list;
mod pause;
mod resume;
mod show;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_regions, create::create_region))
        .routes(routes!(show::show_region, update::update_region, delete::delete_region))
        .routes(routes!(pause::pause_region))
        .routes(routes!(resume::resume_region))
        .routes(routes!(drain::drain_region))
        .routes(routes!(check::check_region))
}
