use axum::extract::State;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{AccountPath, NoQuery, ObjectReader, Path, Unread};
use crate::schema;

/// Finds the credential for an image, by its registry and the longest prefix of
/// its path. Where none matches the answer is 404: a default for another
/// registry is not sent there.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/resolve-image",
    tag = "bindings",
    params(AccountPath),
    request_body = schema::ResolveImage,
    responses(
        (status = 200, description = "The credential, and its files where a format was asked for", body = schema::Resolved),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn resolve_image(
    State(app): State<App>,
    mut permit: Permit<permit::ResolveImage>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<axum::Json<schema::Resolved>, Problem> {
    let body = unread.json(&mut permit).await?;
    let mut object = ObjectReader::new(Some(body));
    let image = object.required_text("image", "name the image, such as ghcr.io/org/app:1");
    let format = object.text("format");
    object.finish()?;
    let resolved = app.broker().resolve_image(&permit, &path.account, &image, format.as_deref()).await?;
    Ok(axum::Json(resolved.into()))
}
