//! Credential types: what the loaded plugins teach.

mod list;
mod show;
mod template;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use template::VariantQuery;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_credential_types))
        .routes(routes!(show::show_credential_type))
        .routes(routes!(template::template))
}
