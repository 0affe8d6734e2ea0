use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, ObjectReader, Path, Unread};
use crate::schema;

/// Asks the live service whether the credential works, where its type can; a
/// DNS provider's, whether a record could be written at a name, or at all.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/probe",
    tag = "credentials",
    params(CredentialPath),
    request_body = Option<schema::Probe>,
    responses(
        (status = 200, description = "It works", body = schema::Probed),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn probe_credential(
    State(app): State<App>,
    mut permit: Permit<permit::ProbeCredential>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<schema::Probed>, Problem> {
    let body = unread.optional_json(&mut permit).await?;
    let mut object = ObjectReader::new(body);
    let fqdn = object.text("fqdn");
    object.finish()?;
    let probed =
        to_the_end(async move { app.broker().probe(&permit, &path.account, &path.credential, fqdn.as_deref()).await });
    Ok(Json(probed.await?.into()))
}
