use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bursar_domain::broker::Materialized;
use bursar_domain::plugin;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{InCredential, NoQuery, ObjectReader, OptionalJson, Path};
use crate::schema;

/// Hands a credential out in the form its user expects. Answers once the audit
/// record of it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/materialize",
    tag = "credentials",
    params(InCredential),
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
    Caller(caller): Caller,
    Path(path): Path<InCredential>,
    _: NoQuery,
    OptionalJson(body): OptionalJson,
) -> Result<Json<schema::Materialized>, Problem> {
    let mut object = ObjectReader::new(body);
    let format = object.text("format");
    object.finish()?;
    let Materialized { format, version, artifacts } =
        app.broker().materialize(&caller, &path.account, &path.credential, format.as_deref()).await?;
    let artifacts = artifacts.into_iter().map(written_down).collect();
    Ok(Json(schema::Materialized { format, version, artifacts }))
}

/// Text as it is, anything else as base64.
fn written_down(artifact: plugin::Artifact) -> schema::Artifact {
    let (encoding, content) = match std::str::from_utf8(&artifact.content) {
        Ok(text) => (schema::Encoding::Utf8, text.to_owned()),
        Err(_) => (schema::Encoding::Base64, STANDARD.encode(&*artifact.content)),
    };
    schema::Artifact {
        name: artifact.name,
        media_type: artifact.media_type,
        encoding,
        content,
        sensitive: artifact.sensitive,
    }
}
