use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// The loaded DNS providers, by id.
#[utoipa::path(
    get,
    path = "/v1/dns-providers",
    tag = "dns",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::DnsProvider>),
        Guarded,
    ),
)]
pub(crate) async fn list_dns_providers(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::DnsProvider>>, Problem> {
    let providers = app.broker().dns_providers(&caller);
    let providers = providers.iter().map(|of| schema::DnsProvider::from(&**of));
    let providers = reply::part(providers, |provider| provider.id.clone(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(providers, |provider| provider))
}
