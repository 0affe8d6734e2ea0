use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{NoQuery, BindingPath, Path};
use crate::schema;

/// What a consumer uses in a slot.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/bindings/{consumer}/{slot}",
    tag = "bindings",
    params(BindingPath),
    responses(
        (status = 200, description = "The binding", body = schema::Binding, headers(("ETag" = String, description = "Its revision"))),
        Guarded,
    ),
)]
pub(crate) async fn show_binding(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<BindingPath>,
    _: NoQuery,
) -> Result<Tagged<schema::Binding>, Problem> {
    let binding = app.broker().binding(&caller, &path.account, (&path.consumer, &path.slot)).await?;
    Ok(Tagged(binding.revision, binding.into()))
}
