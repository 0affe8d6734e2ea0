use axum::extract::State;
use serde_json::Value;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay, Matched, Plugged};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, VersionPath, NoQuery, Path};
use crate::schema;

/// Makes an older version's data the data again, as a new version.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/versions/{version}/restore",
    tag = "credentials",
    params(VersionPath, IfMatch),
    responses(
        (status = 200, description = "The credential", body = schema::Credential, headers(("ETag" = String, description = "Its new revision"))),
        Guarded,
        InTheWay,
        Matched,
        Plugged,
    ),
)]
pub(crate) async fn restore_credential_version(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<VersionPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<Tagged<Value>, Problem> {
    let VersionPath { account, credential, version } = path;
    let view = app.broker().restore_version(&caller, &account, &credential, version, if_match).await?;
    Ok(Tagged(view.revision, view.to_json()))
}
