use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, ObjectReader, Path, Unread};
use crate::schema;

/// Shows secret fields. Answers once the audit record of it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/reveal",
    tag = "credentials",
    params(CredentialPath),
    request_body = Option<schema::Reveal>,
    responses(
        (status = 200, description = "The secrets", body = schema::Revealed),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn reveal_credential(
    State(app): State<App>,
    mut permit: Permit<permit::RevealCredential>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<schema::Revealed>, Problem> {
    let body = unread.optional_json(&mut permit).await?;
    let mut object = ObjectReader::new(body);
    let fields = object.texts("fields");
    object.finish()?;
    let revealed = app.broker().reveal(&permit, &path.account, &path.credential, fields.as_deref()).await?;
    Ok(Json(schema::Revealed { data: revealed.data.expose().clone(), version: revealed.version }))
}
