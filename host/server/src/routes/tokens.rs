//! `/v1/accounts/{account}/tokens` and `/v1/tokens`: tokens of an account, and of
//! operators.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::openapi::{MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::reply::Created;
use crate::request::{
    AccountPath, AccountTokenPath, IdempotencyKeyHeader, NoQuery, OperatorTokenPath, PageQuery, Path, Query, Unread,
};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(delete_token))
        .routes(routes!(list_operator_tokens, create_operator_token))
        .routes(routes!(delete_operator_token))
}

/// Tokens of an account, without their texts.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/tokens",
    tag = "tokens",
    params(AccountPath, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::Token>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_tokens(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::Token>>, Problem> {
    let tokens = app.broker().tokens.list(&caller, Some(&path.account), page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(tokens, api::Token::from))
}

/// Makes a token; its text is told this once.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/tokens",
    tag = "tokens",
    params(AccountPath, IdempotencyKeyHeader),
    request_body = api::CreateToken,
    responses(
        (status = 201, description = "Made", body = api::NewToken),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn create_token(
    State(app): State<App>,
    mut permit: Permit<permit::CreateToken>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<api::NewToken>, Problem> {
    let creation = unread.creation::<api::CreateToken>(&mut permit).await?;
    let created = app
        .broker()
        .tokens
        .create(&permit, &path.account, creation.body.map(Into::into), creation.key.as_ref())
        .await?;
    Ok(Created {
        list: creation.path,
        id: created.value.token.id.to_string(),
        revision: None,
        replayed: created.replayed,
        body: created.value.into(),
    })
}

/// Revokes a token, at once.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/tokens/{token}",
    tag = "tokens",
    params(AccountTokenPath),
    responses(
        (status = 204, description = "Revoked"),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn delete_token(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountTokenPath>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.broker().tokens.delete(&caller, Some(&path.account), path.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tokens of operators, without their texts. For operators.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::Token>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_operator_tokens(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::Token>>, Problem> {
    let tokens = app.broker().tokens.list(&caller, None, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(tokens, api::Token::from))
}

/// Makes a token; its text is told this once. For operators.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "tokens",
    params(IdempotencyKeyHeader),
    request_body = api::CreateOperatorToken,
    responses(
        (status = 201, description = "Made", body = api::NewToken),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn create_operator_token(
    State(app): State<App>,
    mut permit: Permit<permit::CreateOperatorToken>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<api::NewToken>, Problem> {
    let creation = unread.creation::<api::CreateOperatorToken>(&mut permit).await?;
    let created =
        app.broker().tokens.create_for_operators(&permit, creation.body.map(Into::into), creation.key.as_ref()).await?;
    Ok(Created {
        list: creation.path,
        id: created.value.token.id.to_string(),
        revision: None,
        replayed: created.replayed,
        body: created.value.into(),
    })
}

/// Revokes a token, at once. For operators.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{token}",
    tag = "tokens",
    params(OperatorTokenPath),
    responses(
        (status = 204, description = "Revoked"),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn delete_operator_token(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<OperatorTokenPath>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.broker().tokens.delete(&caller, None, path.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
