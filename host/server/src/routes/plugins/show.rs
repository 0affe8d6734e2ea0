use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{NoQuery, PluginPath, Path};
use crate::schema;

/// One plugin: the one in force where there is one. For operators.
#[utoipa::path(
    get,
    path = "/v1/plugins/{plugin}",
    tag = "plugins",
    params(PluginPath),
    responses(
        (status = 200, description = "The plugin", body = schema::Plugin),
        Guarded,
    ),
)]
pub(crate) async fn show_plugin(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<PluginPath>,
    _: NoQuery,
) -> Result<Json<schema::Plugin>, Problem> {
    Ok(Json(app.broker().plugin(&caller, &path.plugin).await?.into()))
}
