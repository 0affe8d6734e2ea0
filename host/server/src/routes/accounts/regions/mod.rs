//! The regions that an account uses.

mod attach;
mod detach;
mod ensure;
mod list;
mod plan;
mod show;
mod sync;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list::list_account_regions)).routes(routes!(
        show::show_account_region,
        attach::attach_region,
        detach::detach_region
    ))
}

pub(super) fn lasting() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ensure::ensure_region))
        .routes(routes!(sync::sync_region))
        .routes(routes!(plan::plan_region))
}
