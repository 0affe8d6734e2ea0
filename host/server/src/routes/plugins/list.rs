use axum::Json;
use axum::extract::State;
use bursar_domain::plugin::{PluginStatus, State as InState};

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// Every plugin and how it fares, by id. One id occurs more than once where a
/// new file waits or was refused while the one before it serves. For operators.
#[utoipa::path(
    get,
    path = "/v1/plugins",
    tag = "plugins",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::Plugin>),
        Guarded,
    ),
)]
pub(crate) async fn list_plugins(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::Plugin>>, Problem> {
    let plugins = app.broker().list_plugins(&caller).await?;
    let key = |of: &PluginStatus| {
        let rank = u8::from(of.state != InState::Active);
        format!("{} {rank} {} {}", of.id, of.source, of.digest)
    };
    let plugins = reply::part(plugins, key, page.cursor.as_deref(), page.limit);
    Ok(reply::page(plugins, schema::Plugin::from))
}
