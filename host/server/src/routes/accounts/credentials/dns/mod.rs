//! DNS records that a credential puts somewhere.

mod cleanup;
mod list;
mod present;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_dns_records))
        .routes(routes!(present::present_dns_record))
        .routes(routes!(cleanup::cleanup_dns_record))
}
