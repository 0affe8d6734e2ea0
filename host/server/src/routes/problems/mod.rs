//! Pages about each type of problem: where the `type` of a problem leads.

mod list;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list::list_problems)).routes(routes!(show::show_problem))
}
