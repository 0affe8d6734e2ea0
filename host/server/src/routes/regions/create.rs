use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::reply::Created;
use crate::request::{IdempotencyKeyHeader, NoQuery, Unread};
use crate::schema;

/// Makes a region. Nothing is put there until an account uses it. For
/// operators.
#[utoipa::path(
    post,
    path = "/v1/regions",
    tag = "regions",
    params(IdempotencyKeyHeader),
    request_body = schema::CreateRegion,
    responses(
        (status = 201, description = "Made", body = schema::RegionItem, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn create_region(
    State(app): State<App>,
    mut permit: Permit<permit::CreateRegion>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<schema::RegionItem>, Problem> {
    let creation = unread.creation(&mut permit).await?;
    let created = app.broker().create_region(&permit, creation.body, creation.key.as_ref()).await?;
    let view = created.value;
    Ok(Created {
        list: creation.path,
        id: view.region.id.to_string(),
        revision: Some(view.revision),
        replayed: created.replayed,
        body: view.into(),
    })
}
