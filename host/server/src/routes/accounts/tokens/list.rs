use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{AccountPath, Page, Path, Query};
use crate::{reply, schema};

/// Tokens of an account, without their texts.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/tokens",
    tag = "tokens",
    params(AccountPath, Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::Token>),
        Guarded,
    ),
)]
pub(crate) async fn list_tokens(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::Token>>, Problem> {
    let tokens = app.broker().list_tokens(&caller, Some(&path.account), page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(tokens, schema::Token::from))
}
