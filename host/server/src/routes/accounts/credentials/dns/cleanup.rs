use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, Path, Unread};
use crate::schema;

/// Removes one value of a TXT record, whoever put it there, and no other; one
/// that is absent is as good as removed.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/dns/cleanup",
    tag = "dns",
    params(CredentialPath),
    request_body = schema::CleanupDnsRecord,
    responses(
        (status = 204, description = "It is not there any more"),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn cleanup_dns_record(
    State(app): State<App>,
    mut permit: Permit<permit::CleanUpDnsRecord>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<StatusCode, Problem> {
    let body = unread.json(&mut permit).await?;
    to_the_end(async move { app.broker().dns_cleanup(&permit, &path.account, &path.credential, body).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
