use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::request::{InCredential, NoQuery, ObjectReader, OptionalJson, Path};
use crate::schema;

/// Shows secret fields. Answers once the audit record of it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/reveal",
    tag = "credentials",
    params(InCredential),
    request_body = Option<schema::Reveal>,
    responses(
        (status = 200, description = "The secrets", body = schema::Revealed),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn reveal_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<InCredential>,
    _: NoQuery,
    OptionalJson(body): OptionalJson,
) -> Result<Json<schema::Revealed>, Problem> {
    let mut object = ObjectReader::new(body);
    let fields = object.texts("fields");
    object.finish()?;
    let revealed = app.broker().reveal(&caller, &path.account, &path.credential, fields.as_deref()).await?;
    Ok(Json(schema::Revealed { data: revealed.data.expose().clone(), version: revealed.version }))
}
