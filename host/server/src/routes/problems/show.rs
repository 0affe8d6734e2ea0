use axum::response::{Html, IntoResponse, Response};
use bursar_domain::Error;

use crate::docs::{self, PAGE_POLICY};
use crate::openapi::NotFound;
use crate::problem::{Problem, ProblemType};
use crate::request::{ProblemPath, Path};

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
