use axum::response::{Html, IntoResponse, Response};

use crate::docs::{self, PAGE_POLICY};
use crate::problem::{Problem, ProblemType};

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
