//! The installation's audit trail.

mod checkpoint;
mod list;
mod query;
mod verify;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use query::AuditQuery;

use crate::app::App;

pub(super) fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list::list_audit)).routes(routes!(checkpoint::audit_checkpoint))
}

pub(super) fn lasting() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(verify::verify_audit))
}
