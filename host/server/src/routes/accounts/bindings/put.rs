use axum::extract::State;
use bursar_domain::Error;
use bursar_domain::id::Reference;
use serde_json::Value;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, NoQuery, ObjectReader, BindingPath, Path, Unread};
use crate::schema;

/// Chooses what a consumer uses in a slot, whatever it used before. The binding
/// is to the credential: it stays when that is renamed.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/bindings/{consumer}/{slot}",
    tag = "bindings",
    params(BindingPath, IfMatch),
    request_body = schema::PutBinding,
    responses(
        (status = 200, description = "The binding", body = schema::Binding, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
        Writing,
        Matched,
    ),
)]
pub(crate) async fn put_binding(
    State(app): State<App>,
    mut permit: Permit<permit::PutBinding>,
    Path(path): Path<BindingPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<schema::Binding>, Problem> {
    let body = unread.json(&mut permit).await?;
    let credential = read_credential(body)?;
    let place = (path.consumer.as_str(), path.slot.as_str());
    let binding = app.broker().put_binding(&permit, &path.account, place, &credential, if_match).await?;
    Ok(Tagged(binding.revision, binding.into()))
}

/// Reads `{"credential": "..."}`.
fn read_credential(body: Value) -> Result<Reference, Error> {
    let mut object = ObjectReader::new(Some(body));
    let credential = object.required_text("credential", "name the credential, by id or name");
    object.finish()?;
    Ok(Reference::from(credential.as_str()))
}
