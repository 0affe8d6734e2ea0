//! Accounts, and what is in them.

mod audit;
mod bindings;
mod certificates;
mod create;
mod credentials;
mod delete;
mod list;
mod members;
mod resolve;
mod resolve_image;
mod show;
mod tokens;
mod update;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_accounts, create::create_account))
        .routes(routes!(show::show_account, update::update_account, delete::delete_account))
        .routes(routes!(audit::list_account_audit))
        .routes(routes!(resolve::resolve))
        .routes(routes!(resolve_image::resolve_image))
        .routes(routes!(certificates::list_certificates))
        .merge(bindings::routes())
        .merge(credentials::routes())
        .merge(members::routes())
        .merge(tokens::routes())
}
