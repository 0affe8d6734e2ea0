//! Accounts, and what is in them.

mod audit;
mod create;
mod credentials;
mod delete;
mod list;
mod members;
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
        .merge(credentials::routes())
        .merge(members::routes())
        .merge(tokens::routes())
}
