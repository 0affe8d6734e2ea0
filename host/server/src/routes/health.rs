use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::openapi::NotThere;
use crate::problem::Problem;
use crate::schema;

/// That the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "installation",
    responses((status = 200, description = "It lives", body = schema::Health)),
    security(()),
)]
pub(crate) async fn health(State(app): State<App>) -> Json<schema::Health> {
    Json(schema::Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: schema::HealthEngine { allocator: app.operations().engine().allocator.to_owned() },
    })
}

/// That requests can be answered: the store can be written.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "installation",
    responses((status = 200, description = "It is ready", body = schema::Ready), NotThere),
    security(()),
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<schema::Ready>, Problem> {
    app.operations().ready().await?;
    Ok(Json(schema::Ready { status: "ready".to_owned() }))
}
