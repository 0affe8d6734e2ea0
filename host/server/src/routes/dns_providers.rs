//! `/v1/dns-providers`: the credential types that can answer DNS challenges.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::credential_types::VariantQuery;
use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{CallsPlugin, NeedsToken};
use crate::problem::Problem;
use crate::reply;
use crate::request::{DnsProviderPath, NoQuery, PageQuery, Path, Query};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_dns_providers))
        .routes(routes!(show_dns_provider))
        .routes(routes!(dns_provider_template))
}

/// The loaded DNS providers, by id.
#[utoipa::path(
    get,
    path = "/v1/dns-providers",
    tag = "dns",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::DnsProvider>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_dns_providers(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::DnsProvider>>, Problem> {
    let providers = app.broker().dns_providers.list(&caller);
    let providers = providers.iter().map(|of| api::DnsProvider::from(&**of));
    let providers = reply::part(providers, |provider| provider.id.clone(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(providers, |provider| provider))
}

/// One loaded DNS provider.
#[utoipa::path(
    get,
    path = "/v1/dns-providers/{provider}",
    tag = "dns",
    params(DnsProviderPath),
    responses(
        (status = 200, description = "The provider", body = api::DnsProvider),
        NeedsToken,
    ),
)]
pub(crate) async fn show_dns_provider(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<DnsProviderPath>,
    _: NoQuery,
) -> Result<Json<api::DnsProvider>, Problem> {
    let of = app.broker().dns_providers.get(&caller, &path.provider)?;
    Ok(Json(api::DnsProvider::from(&*of)))
}

/// The ready-to-edit skeleton of a provider's data.
#[utoipa::path(
    get,
    path = "/v1/dns-providers/{provider}/template",
    tag = "dns",
    params(DnsProviderPath, VariantQuery),
    responses(
        (status = 200, description = "The skeleton", body = api::Template),
        NeedsToken,
        CallsPlugin,
    ),
)]
pub(crate) async fn dns_provider_template(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<DnsProviderPath>,
    Query(query): Query<VariantQuery>,
) -> Result<Json<api::Template>, Problem> {
    let of = app.broker().dns_providers.get(&caller, &path.provider)?;
    let data = app.broker().dns_providers.template(&caller, &path.provider, query.variant.as_deref()).await?;
    let first = of.manifest.variants.first().map(|variant| variant.id.clone());
    Ok(Json(api::Template { variant: query.variant.or(first), data }))
}
