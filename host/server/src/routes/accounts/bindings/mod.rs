//! Who uses which credential where.

mod delete;
mod list;
mod put;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list::list_bindings)).routes(routes!(
        show::show_binding,
        put::put_binding,
        delete::delete_binding
    ))
}
