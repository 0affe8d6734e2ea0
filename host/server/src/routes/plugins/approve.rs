use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::request::{NoQuery, ObjectReader, PluginPath, Path, Unread};
use crate::schema;

/// Grants what a plugin asks for: what waits for it, or else what is in force.
/// It then takes over at once. For operators.
#[utoipa::path(
    post,
    path = "/v1/plugins/{plugin}/approve",
    tag = "plugins",
    params(PluginPath),
    request_body = Option<schema::DecidePlugin>,
    responses(
        (status = 200, description = "The plugin that was approved", body = schema::Plugin),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn approve_plugin(
    State(app): State<App>,
    mut permit: Permit<permit::ApprovePlugin>,
    Path(path): Path<PluginPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<schema::Plugin>, Problem> {
    let body = unread.optional_json(&mut permit).await?;
    let mut object = ObjectReader::new(body);
    let digest = object.text("digest");
    object.finish()?;
    Ok(Json(app.broker().approve_plugin(&permit, &path.plugin, digest.as_deref()).await?.into()))
}
