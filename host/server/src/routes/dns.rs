//! `/v1/accounts/{account}/credentials/{credential}/dns`: the DNS records that a
//! credential puts at its provider.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{CallsPlugin, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::request::{CredentialPath, NoQuery, PageQuery, Path, Query, Unread};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_dns_records))
        .routes(routes!(present_dns_record))
        .routes(routes!(cleanup_dns_record))
}

/// The DNS records that a credential has put somewhere, oldest first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}/dns",
    tag = "dns",
    params(CredentialPath, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::DnsRecord>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_dns_records(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::DnsRecord>>, Problem> {
    let PageQuery { cursor, limit } = page;
    let records = app.broker().dns.list(&caller, &path.account, &path.credential, cursor.as_deref(), limit).await?;
    Ok(reply::page(records, api::DnsRecord::from))
}

/// Adds a TXT record beside what is there, and waits until it is at all of the
/// provider's servers. Where that takes longer than a request may, the answer
/// is `pending`: ask again, and it is looked at again.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/dns/present",
    tag = "dns",
    params(CredentialPath),
    request_body = api::PresentDnsRecord,
    responses(
        (status = 200, description = "It is there, or on its way", body = api::DnsRecord),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn present_dns_record(
    State(app): State<App>,
    mut permit: Permit<permit::PresentDnsRecord>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::DnsRecord>, Problem> {
    let body = unread.json::<api::PresentDnsRecord>(&mut permit).await?.map(Into::into);
    let record =
        to_the_end(async move { app.broker().dns.present(&permit, &path.account, &path.credential, body).await });
    Ok(Json(record.await?.into()))
}

/// Removes one value of a TXT record, whoever put it there, and no other; one
/// that is absent is as good as removed.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/dns/cleanup",
    tag = "dns",
    params(CredentialPath),
    request_body = api::CleanupDnsRecord,
    responses(
        (status = 204, description = "It is not there any more"),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn cleanup_dns_record(
    State(app): State<App>,
    mut permit: Permit<permit::CleanUpDnsRecord>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<StatusCode, Problem> {
    let body = unread.json::<api::CleanupDnsRecord>(&mut permit).await?.map(Into::into);
    to_the_end(async move { app.broker().dns.clean_up(&permit, &path.account, &path.credential, body).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}
