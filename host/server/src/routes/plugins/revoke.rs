use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::request::{NoQuery, PluginPath, Path};
use crate::schema;

/// Takes back what a plugin may: it is not called again until it is approved.
/// Its credentials can be read meanwhile. For operators.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}/revoke",
    tag = "plugins",
    params(PluginPath),
    responses(
        (status = 200, description = "The plugin", body = schema::Plugin),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn revoke_plugin(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<PluginPath>,
    _: NoQuery,
) -> Result<Json<schema::Plugin>, Problem> {
    Ok(Json(app.broker().revoke_plugin(&caller, &path.plugin).await?.into()))
}
