//! Credentials of an account.

mod create;
mod delete;
mod dns;
mod list;
mod materialize;
mod preflight;
mod probe;
mod restore;
mod reveal;
mod set_default;
mod show;
mod sync;
mod update;
mod usage;
mod validate;
mod validate_name;
mod versions;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(super) fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_credentials, create::create_credential))
        .routes(routes!(validate::validate_credential))
        .routes(routes!(validate_name::validate_credential_name))
        .routes(routes!(show::show_credential, update::update_credential, delete::delete_credential))
        .routes(routes!(materialize::materialize_credential))
        .routes(routes!(probe::probe_credential))
        .routes(routes!(restore::restore_credential))
        .routes(routes!(reveal::reveal_credential))
        .routes(routes!(set_default::set_default_credential))
        .routes(routes!(usage::show_credential_usage))
        .routes(routes!(versions::list_credential_versions))
        .routes(routes!(versions::restore::restore_credential_version))
        .merge(dns::routes())
}

/// What waits for regions.
pub(super) fn lasting() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sync::sync_credential))
}
