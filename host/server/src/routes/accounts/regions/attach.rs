use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, AccountRegionPath, NoQuery, Path, Unread};
use crate::schema;

/// Has an account use a region, or use it in another way. Its credentials are
/// put there from then on, in the background.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/regions/{region}",
    tag = "regions",
    params(AccountRegionPath, IfMatch),
    request_body = schema::AttachRegion,
    responses(
        (status = 200, description = "The use", body = schema::AccountRegion, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        Writing,
        Matched,
    ),
)]
pub(crate) async fn attach_region(
    State(app): State<App>,
    mut permit: Permit<permit::AttachRegion>,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<schema::AccountRegion>, Problem> {
    let body = unread.json(&mut permit).await?;
    let region = app.broker().attach_region(&permit, &path.account, &path.region, body, if_match).await?;
    Ok(Tagged(region.revision, region.into()))
}
