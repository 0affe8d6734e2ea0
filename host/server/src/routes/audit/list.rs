use axum::Json;
use axum::extract::State;
use bursar_domain::audit::Entry;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::Query;
use crate::routes::audit::AuditQuery;
use crate::{reply, schema};

/// The installation's audit trail, newest first. For operators.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    params(AuditQuery),
    responses(
        (status = 200, description = "A part of the trail", body = schema::Page<schema::AuditEntry>),
        Guarded,
    ),
)]
pub(crate) async fn list_audit(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<schema::Page<Entry>>, Problem> {
    let AuditQuery { filter, page } = query;
    let entries = app.broker().audit(&caller, None, filter, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(entries, |entry| entry))
}
