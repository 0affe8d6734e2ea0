use axum::Json;
use axum::extract::State;
use bursar_domain::audit::Entry;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{AccountPath, Path, Query};
use crate::routes::audit::AuditQuery;
use crate::{reply, schema};

/// The account's audit trail, newest first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/audit",
    tag = "audit",
    params(AccountPath, AuditQuery),
    responses(
        (status = 200, description = "A part of the trail", body = schema::Page<schema::AuditEntry>),
        Guarded,
    ),
)]
pub(crate) async fn list_account_audit(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<schema::Page<Entry>>, Problem> {
    let AuditQuery { filter, page } = query;
    let entries = app.broker().audit(&caller, Some(&path.account), filter, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(entries, |entry| entry))
}
