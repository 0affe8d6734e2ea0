use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// Tokens of operators, without their texts. For operators.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::Token>),
        Guarded,
    ),
)]
pub(crate) async fn list_operator_tokens(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::Token>>, Problem> {
    let tokens = app.broker().list_tokens(&caller, None, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(tokens, schema::Token::from))
}
