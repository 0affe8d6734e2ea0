//! `/openapi.json`, `/docs` and `/problems`: this API, and the pages that a problem's
//! `type` leads to.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use bursar_kernel::Error;
use http::header::CONTENT_TYPE;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::docs::{self, PAGE_POLICY};
use crate::openapi::NotFound;
use crate::problem::{Problem, ProblemType};
use crate::request::{Path, ProblemPath};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(openapi))
        .routes(routes!(docs))
        .routes(routes!(style))
        .routes(routes!(list_problems))
        .routes(routes!(show_problem))
}

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
    Ok((PAGE_POLICY, Html(page)).into_response())
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

/// Every type of problem, as a page.
#[utoipa::path(
    get,
    path = "/problems",
    tag = "documentation",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)),
    security(()),
)]
pub(crate) async fn list_problems() -> Result<Response, Problem> {
    let page = docs::problems(&ProblemType::ALL)?;
    Ok((PAGE_POLICY, Html(page)).into_response())
}

/// What a type of problem means and what to do, as a page.
#[utoipa::path(
    get,
    path = "/problems/{slug}",
    tag = "documentation",
    params(ProblemPath),
    responses(
        (status = 200, description = "The page", content_type = "text/html", body = String),
        NotFound,
    ),
    security(()),
)]
pub(crate) async fn show_problem(Path(path): Path<ProblemPath>) -> Result<Response, Problem> {
    let of = ProblemType::by_slug(&path.slug).ok_or_else(|| Error::not_found("type of problem"))?;
    let page = docs::problems(&[of])?;
    Ok((PAGE_POLICY, Html(page)).into_response())
}
