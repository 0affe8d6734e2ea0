use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, Path, Unread};
use crate::schema;

/// Adds a TXT record beside what is there, and waits until it is at all of the
/// provider's servers. Where that takes longer than a request may, the answer
/// is `pending`: ask again, and it is looked at again.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/dns/present",
    tag = "dns",
    params(CredentialPath),
    request_body = schema::PresentDnsRecord,
    responses(
        (status = 200, description = "It is there, or on its way", body = schema::DnsRecord),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn present_dns_record(
    State(app): State<App>,
    mut permit: Permit<permit::PresentDnsRecord>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<axum::Json<schema::DnsRecord>, Problem> {
    let body = unread.json(&mut permit).await?;
    let record =
        to_the_end(async move { app.broker().dns_present(&permit, &path.account, &path.credential, body).await });
    Ok(axum::Json(record.await?.into()))
}
