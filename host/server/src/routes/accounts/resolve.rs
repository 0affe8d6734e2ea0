use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{AccountPath, NoQuery, ObjectReader, Path, Unread};
use crate::schema;

/// Finds what a consumer uses in a slot: what is bound there, or the account's
/// default. With a format it is handed out too. Answers once the audit record of
/// it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/resolve",
    tag = "bindings",
    params(AccountPath),
    request_body = schema::Resolve,
    responses(
        (status = 200, description = "The credential, and its files where a format was asked for", body = schema::Resolved),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    mut permit: Permit<permit::Resolve>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<axum::Json<schema::Resolved>, Problem> {
    let body = unread.json(&mut permit).await?;
    let mut object = ObjectReader::new(Some(body));
    let consumer = object.required_text("consumer", "name who asks, such as app:web");
    let slot = object.required_text("slot", "name where it is used, such as image-pull");
    let format = object.text("format");
    object.finish()?;
    let resolved = app.broker().resolve(&permit, &path.account, &consumer, &slot, format.as_deref()).await?;
    Ok(axum::Json(resolved.into()))
}
