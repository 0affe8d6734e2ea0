use axum::Json;
use axum::extract::State;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Plugged};
use crate::problem::Problem;
use crate::request::{FromParameters, CredentialTypePath, Parameters, Path, Query};
use crate::schema;

/// The ready-to-edit skeleton of a type's data.
#[utoipa::path(
    get,
    path = "/v1/credential-types/{type}/template",
    tag = "credential types",
    params(CredentialTypePath, VariantQuery),
    responses(
        (status = 200, description = "The skeleton", body = schema::Template),
        Guarded,
        Plugged,
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
