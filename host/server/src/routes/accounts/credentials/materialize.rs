use axum::Json;
use axum::extract::State;
use bursar_domain::broker::Materialized;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, ObjectReader, Path, Unread};
use crate::schema;

/// Hands a credential out in the form its user expects. Answers once the audit
/// record of it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/materialize",
    tag = "credentials",
    params(CredentialPath),
    request_body = Option<schema::Materialize>,
    responses(
        (status = 200, description = "The files", body = schema::Materialized),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn materialize_credential(
    State(app): State<App>,
    mut permit: Permit<permit::MaterializeCredential>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<schema::Materialized>, Problem> {
    let body = unread.optional_json(&mut permit).await?;
    let mut object = ObjectReader::new(body);
    let format = object.text("format");
    object.finish()?;
    let Materialized { format, version, artifacts } =
        app.broker().materialize(&permit, &path.account, &path.credential, format.as_deref()).await?;
    let artifacts = artifacts.into_iter().map(schema::Artifact::from).collect();
    Ok(Json(schema::Materialized { format, version, artifacts }))
}
