//! `/v1/credential-types`: what the loaded plugins teach.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{CallsPlugin, NeedsToken};
use crate::problem::Problem;
use crate::reply;
use crate::request::{CredentialTypePath, FromParameters, NoQuery, PageQuery, Parameters, Path, Query};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_credential_types))
        .routes(routes!(show_credential_type))
        .routes(routes!(template))
}

/// Which preset.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct VariantQuery {
    /// One of the type's `variants`; absent for the first.
    #[param(example = "primary")]
    pub(crate) variant: Option<String>,
}

impl FromParameters for VariantQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { variant: parameters.text("variant") }
    }
}

/// The loaded credential types, by id.
#[utoipa::path(
    get,
    path = "/v1/credential-types",
    tag = "credential types",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::CredentialType>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_credential_types(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::CredentialType>>, Problem> {
    let types = app.broker().types.list(&caller);
    let types = reply::part(types, |of| of.manifest.id.clone(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(types, |of| api::CredentialType::from(&*of)))
}

/// One loaded credential type.
#[utoipa::path(
    get,
    path = "/v1/credential-types/{type}",
    tag = "credential types",
    params(CredentialTypePath),
    responses(
        (status = 200, description = "The type", body = api::CredentialType),
        NeedsToken,
    ),
)]
pub(crate) async fn show_credential_type(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialTypePath>,
    _: NoQuery,
) -> Result<Json<api::CredentialType>, Problem> {
    let of = app.broker().types.get(&caller, &path.r#type)?;
    Ok(Json(api::CredentialType::from(&*of)))
}

/// The ready-to-edit skeleton of a type's data.
#[utoipa::path(
    get,
    path = "/v1/credential-types/{type}/template",
    tag = "credential types",
    params(CredentialTypePath, VariantQuery),
    responses(
        (status = 200, description = "The skeleton", body = api::Template),
        NeedsToken,
        CallsPlugin,
    ),
)]
pub(crate) async fn template(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialTypePath>,
    Query(query): Query<VariantQuery>,
) -> Result<Json<api::Template>, Problem> {
    let of = app.broker().types.get(&caller, &path.r#type)?;
    let data = app.broker().types.template(&caller, &path.r#type, query.variant.as_deref()).await?;
    let first = of.manifest.variants.first().map(|variant| variant.id.clone());
    Ok(Json(api::Template { variant: query.variant.or(first), data }))
}
