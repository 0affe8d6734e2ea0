//! `/v1/accounts/{account}/certificates`: the certificates for a host.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::NeedsToken;
use crate::problem::Problem;
use crate::reply;
use crate::request::{AccountPath, FromParameters, PageQuery, Parameters, Path, Query};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_certificates))
}

/// For which host.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HostQuery {
    /// A host name, in any alphabet, or an address.
    #[param(example = "shop.example.com")]
    host: String,
    #[param(ignore)]
    page: PageQuery,
}

impl FromParameters for HostQuery {
    fn take(parameters: &mut Parameters) -> Self {
        let host = parameters.required("host", "name the host that a certificate is wanted for");
        Self { host, page: PageQuery::take(parameters) }
    }
}

/// The usable certificates that cover a host, by its name or by a wildcard one
/// label above: the specific before the wide, then the longest-lived first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/certificates",
    tag = "bindings",
    params(AccountPath, HostQuery, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::CredentialItem>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_certificates(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<HostQuery>,
) -> Result<Json<api::Page<api::CredentialItem>>, Problem> {
    let HostQuery { host, page: PageQuery { cursor, limit } } = query;
    let found = app.broker().bindings.certificates(&caller, &path.account, &host, cursor.as_deref(), limit).await?;
    Ok(reply::page(found, api::CredentialItem::from))
}
