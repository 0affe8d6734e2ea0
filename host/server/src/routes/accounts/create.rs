use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::reply::Created;
use crate::request::{Creation, IdempotencyKeyHeader, NoQuery};
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
    Caller(caller): Caller,
    _: NoQuery,
    creation: Creation,
) -> Result<Created<schema::Account>, Problem> {
    let created = app.broker().create_account(&caller, &creation.body, creation.key.as_ref()).await?;
    let (account, revision) = created.value;
    Ok(Created {
        list: creation.path,
        id: account.id.to_string(),
        revision: Some(revision),
        replayed: created.replayed,
        body: account.into(),
    })
}
