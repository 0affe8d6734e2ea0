use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{NoQuery, DnsProviderPath, Path};
use crate::schema;

/// One loaded DNS provider.
#[utoipa::path(
    get,
    path = "/v1/dns-providers/{provider}",
    tag = "dns",
    params(DnsProviderPath),
    responses(
        (status = 200, description = "The provider", body = schema::DnsProvider),
        Guarded,
    ),
)]
pub(crate) async fn show_dns_provider(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<DnsProviderPath>,
    _: NoQuery,
) -> Result<Json<schema::DnsProvider>, Problem> {
    let of = app.broker().dns_provider(&caller, &path.provider)?;
    Ok(Json(schema::DnsProvider::from(&*of)))
}
