use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{CredentialPath, Page, Path, Query};
use crate::{reply, schema};

/// The DNS records that a credential has put somewhere, oldest first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}/dns",
    tag = "dns",
    params(CredentialPath, Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::DnsRecord>),
        Guarded,
    ),
)]
pub(crate) async fn list_dns_records(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::DnsRecord>>, Problem> {
    let Page { cursor, limit } = page;
    let records =
        app.broker().list_dns_records(&caller, &path.account, &path.credential, cursor.as_deref(), limit).await?;
    Ok(reply::page(records, schema::DnsRecord::from))
}
