//! Accounts, and what is in them.

mod audit;
mod bindings;
mod certificates;
mod create;
mod credentials;
mod delete;
mod events;
mod list;
mod members;
mod regions;
mod resolve;
mod resolve_image;
mod show;
mod sync;
mod tokens;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_accounts, create::create_account))
        .routes(routes!(show::show_account, update::update_account, delete::delete_account))
        .routes(routes!(audit::list_account_audit))
        .routes(routes!(resolve::resolve))
        .routes(routes!(resolve_image::resolve_image))
        .routes(routes!(certificates::list_certificates))
        .merge(bindings::routes())
        .merge(credentials::quick())
        .merge(members::routes())
        .merge(regions::quick())
        .merge(tokens::routes())
}

/// What waits for regions, or goes on without an end.
pub(super) fn lasting() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(events::watch_account))
        .routes(routes!(sync::sync_account))
        .merge(credentials::lasting())
        .merge(regions::lasting())
}
