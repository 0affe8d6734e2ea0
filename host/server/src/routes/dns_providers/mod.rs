//! DNS providers: the credential types that can answer DNS challenges.

mod list;
mod show;
mod template;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_dns_providers))
        .routes(routes!(show::show_dns_provider))
        .routes(routes!(template::dns_provider_template))
}
