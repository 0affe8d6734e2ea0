use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::reply::Created;
use crate::request::{IdempotencyKeyHeader, NoQuery, Unread};
use crate::schema;

/// Makes an account. For operators.
#[utoipa::path(
    post,
    path = "/v1/accounts",
    tag = "accounts",
    params(IdempotencyKeyHeader),
    request_body = schema::CreateAccount,
    responses(
        (status = 201, description = "Made", body = schema::Account, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn create_account(
    State(app): State<App>,
    mut permit: Permit<permit::CreateAccount>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<schema::Account>, Problem> {
    let creation = unread.creation(&mut permit).await?;
    let created = app.broker().create_account(&permit, &creation.body, creation.key.as_ref()).await?;
    let (account, revision) = created.value;
    Ok(Created {
        list: creation.path,
        id: account.id.to_string(),
        revision: Some(revision),
        replayed: created.replayed,
        body: account.into(),
    })
}
