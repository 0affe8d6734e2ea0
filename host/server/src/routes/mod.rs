//! Every operation, one file each; the folders mirror the paths.

mod accounts;
mod audit;
mod backup;
mod credential_types;
mod dns_providers;
mod docs;
mod health;
mod me;
mod metrics;
mod plugins;
mod problems;
mod region_targets;
mod regions;
mod rekey;
mod tokens;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// Operations that answer within the request time limit.
pub(crate) fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::quick())
        .merge(audit::quick())
        .merge(credential_types::routes())
        .merge(dns_providers::routes())
        .merge(plugins::routes())
        .merge(problems::routes())
        .merge(regions::routes())
        .merge(tokens::routes())
        .routes(routes!(region_targets::list_region_targets))
        .routes(routes!(me::me))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .routes(routes!(docs::openapi))
        .routes(routes!(docs::docs))
        .routes(routes!(docs::style))
}

/// Operations on the whole installation, which last as long as it is large, and
/// those that wait for regions, which last as long as these do.
pub(crate) fn lasting() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::lasting())
        .merge(audit::lasting())
        .routes(routes!(backup::backup))
        .routes(routes!(rekey::rekey))
}
