use axum::extract::State;
use bursar_domain::broker::NewToken;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::reply::Created;
use crate::request::{IdempotencyKeyHeader, AccountPath, NoQuery, Path, Unread};
use crate::schema;

/// Makes a token; its text is told this once.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/tokens",
    tag = "tokens",
    params(AccountPath, IdempotencyKeyHeader),
    request_body = schema::CreateToken,
    responses(
        (status = 201, description = "Made", body = schema::NewToken),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn create_token(
    State(app): State<App>,
    mut permit: Permit<permit::CreateToken>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<schema::NewToken>, Problem> {
    let creation = unread.creation(&mut permit).await?;
    let created =
        app.broker().create_token(&permit, Some(&path.account), &creation.body, creation.key.as_ref()).await?;
    let NewToken { token, text } = created.value;
    Ok(Created {
        list: creation.path,
        id: token.id.to_string(),
        revision: None,
        replayed: created.replayed,
        body: schema::NewToken { kept: (token, None).into(), token: text.map(|text| text.expose().to_owned()) },
    })
}
