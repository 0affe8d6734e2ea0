use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// The loaded credential types, by id.
#[utoipa::path(
    get,
    path = "/v1/credential-types",
    tag = "credential types",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::CredentialType>),
        Guarded,
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
