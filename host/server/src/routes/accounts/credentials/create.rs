use axum::extract::State;
use serde_json::Value;

use super::preflight::PreflightQuery;
use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::reply::Created;
use crate::request::{Creation, IdempotencyKeyHeader, AccountPath, Path, Query, Unread};
use crate::schema;

/// Stores a new credential. The first of a type that has defaults becomes the
/// account's default.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials",
    tag = "credentials",
    params(AccountPath, PreflightQuery, IdempotencyKeyHeader),
    request_body = schema::CreateCredential,
    responses(
        (status = 201, description = "Stored", body = schema::Credential, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn create_credential(
    State(app): State<App>,
    mut permit: Permit<permit::CreateCredential>,
    Path(path): Path<AccountPath>,
    Query(query): Query<PreflightQuery>,
    unread: Unread,
) -> Result<Created<Value>, Problem> {
    let Creation { body, key, path: list } = unread.creation(&mut permit).await?;
    let created = to_the_end(async move {
        app.broker().create_credential(&permit, &path.account, body, key.as_ref(), query.probe).await
    });
    let created = created.await?;
    let view = created.value;
    Ok(Created {
        list,
        id: view.credential.id.to_string(),
        revision: Some(view.revision),
        replayed: created.replayed,
        body: view.to_json(),
    })
}
