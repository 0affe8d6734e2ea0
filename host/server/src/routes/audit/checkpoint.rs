use axum::Json;
use axum::extract::State;
use bursar_domain::audit::Checkpoint;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::NoQuery;
use crate::schema;

/// Signs where the audit chain stands. For operators.
#[utoipa::path(
    get,
    path = "/v1/audit/checkpoint",
    tag = "audit",
    responses(
        (status = 200, description = "The statement, to be kept elsewhere", body = schema::Checkpoint),
        Guarded,
    ),
)]
pub(crate) async fn audit_checkpoint(
    State(app): State<App>,
    Caller(caller): Caller,
    _: NoQuery,
) -> Result<Json<Checkpoint>, Problem> {
    Ok(Json(app.broker().checkpoint(&caller).await?))
}
