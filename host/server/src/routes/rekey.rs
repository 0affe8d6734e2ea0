use axum::Json;
use axum::extract::State;
use bursar_domain::audit::Action;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::NoQuery;
use crate::schema;

/// Rotates the root key: every key under it is wrapped again, no data is
/// rewritten. For operators.
#[utoipa::path(
    post,
    path = "/v1/rekey",
    tag = "installation",
    responses(
        (status = 200, description = "Rotated", body = schema::Rekeyed),
        Guarded,
    ),
)]
pub(crate) async fn rekey(
    State(app): State<App>,
    Caller(caller): Caller,
    _: NoQuery,
) -> Result<Json<schema::Rekeyed>, Problem> {
    app.broker().begin_operation(&caller, Action::InstallationRekey).await?;
    Ok(Json(schema::Rekeyed { rewrapped: app.operations().rekey().await? }))
}
