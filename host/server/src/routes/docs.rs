use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::docs::{self, PAGE_POLICY};
use crate::problem::Problem;

/// This API as an OpenAPI 3.1 document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documentation",
    responses((status = 200, description = "The document", content_type = "application/json", body = Object)),
    security(()),
)]
pub(crate) async fn openapi(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.published().json()).into_response()
}

/// This API as a page.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "documentation",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)),
    security(()),
)]
pub(crate) async fn docs(State(app): State<App>) -> Result<Response, Problem> {
    let page = docs::reference(app.published().document())?;
    Ok((PAGE_POLICY, axum::response::Html(page)).into_response())
}

/// How the pages look.
#[utoipa::path(
    get,
    path = "/docs/style.css",
    tag = "documentation",
    responses((status = 200, description = "The style sheet", content_type = "text/css", body = String)),
    security(()),
)]
pub(crate) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], docs::STYLE).into_response()
}
