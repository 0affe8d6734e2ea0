use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::request::{NoQuery, ObjectReader, PluginPath, Path, Unread};
use crate::schema;

/// Puts the component in force that was in force before, and keeps it there
/// until the plugin's file holds another one or what was set aside is approved.
/// What it asks for is granted with it. For operators.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}/rollback",
    tag = "plugins",
    params(PluginPath),
    request_body = Option<schema::DecidePlugin>,
    responses(
        (status = 200, description = "The plugin that is in force now", body = schema::Plugin),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn roll_plugin_back(
    State(app): State<App>,
    mut permit: Permit<permit::RollPluginBack>,
    Path(path): Path<PluginPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<schema::Plugin>, Problem> {
    let body = unread.optional_json(&mut permit).await?;
    let mut object = ObjectReader::new(body);
    let digest = object.text("digest");
    object.finish()?;
    Ok(Json(app.broker().roll_plugin_back(&permit, &path.plugin, digest.as_deref()).await?.into()))
}
