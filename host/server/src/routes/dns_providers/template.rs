use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Plugged};
use crate::problem::Problem;
use crate::request::{DnsProviderPath, Path, Query};
use crate::routes::credential_types::VariantQuery;
use crate::schema;

/// The ready-to-edit skeleton of a provider's data.
#[utoipa::path(
    get,
    path = "/v1/dns-providers/{provider}/template",
    tag = "dns",
    params(DnsProviderPath, VariantQuery),
    responses(
        (status = 200, description = "The skeleton", body = schema::Template),
        Guarded,
        Plugged,
    ),
)]
pub(crate) async fn dns_provider_template(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<DnsProviderPath>,
    Query(query): Query<VariantQuery>,
) -> Result<Json<schema::Template>, Problem> {
    let of = app.broker().dns_provider(&caller, &path.provider)?;
    let data = app.broker().dns_provider_template(&caller, &path.provider, query.variant.as_deref()).await?;
    let first = of.manifest.variants.first().map(|variant| variant.id.clone());
    Ok(Json(schema::Template { variant: query.variant.or(first), data }))
}
