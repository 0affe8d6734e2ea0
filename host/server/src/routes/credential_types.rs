//! `/v1/credential-types`: what the loaded plugins teach.

use axum::Json;
use axum::extract::State;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{CallsPlugin, NeedsToken};
use crate::problem::Problem;
use crate::request::{CredentialTypePath, FromParameters, NoQuery, Page, Parameters, Path, Query};
use crate::{reply, schema};

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
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::CredentialType>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_credential_types(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::CredentialType>>, Problem> {
    let types = app.broker().credential_types(&caller);
    let types = reply::part(types, |of| of.manifest.id.clone(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(types, |of| schema::CredentialType::from(&*of)))
}

/// One loaded credential type.
#[utoipa::path(
    get,
    path = "/v1/credential-types/{type}",
    tag = "credential types",
    params(CredentialTypePath),
    responses(
        (status = 200, description = "The type", body = schema::CredentialType),
        NeedsToken,
    ),
)]
pub(crate) async fn show_credential_type(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialTypePath>,
    _: NoQuery,
) -> Result<Json<schema::CredentialType>, Problem> {
    let of = app.broker().credential_type(&caller, &path.r#type)?;
    Ok(Json(schema::CredentialType::from(&*of)))
}

/// The ready-to-edit skeleton of a type's data.
#[utoipa::path(
    get,
    path = "/v1/credential-types/{type}/template",
    tag = "credential types",
    params(CredentialTypePath, VariantQuery),
    responses(
        (status = 200, description = "The skeleton", body = schema::Template),
        NeedsToken,
        CallsPlugin,
    ),
)]
pub(crate) async fn template(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialTypePath>,
    Query(query): Query<VariantQuery>,
) -> Result<Json<schema::Template>, Problem> {
    let of = app.broker().credential_type(&caller, &path.r#type)?;
    let data = app.broker().template(&caller, &path.r#type, query.variant.as_deref()).await?;
    let first = of.manifest.variants.first().map(|variant| variant.id.clone());
    Ok(Json(schema::Template { variant: query.variant.or(first), data }))
}
