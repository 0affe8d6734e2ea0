use axum::Json;
use axum::extract::State;
use bursar_domain::audit::Action;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::request::{FromParameters, Parameters, Query};
use crate::schema;

/// Rotates the root key: every key under it is wrapped again, no data is
/// rewritten. Where other nodes are at work it is refused unless forced: they take
/// the new key up by themselves once it is where their settings say. For
/// operators.
#[utoipa::path(
    post,
    path = "/v1/rekey",
    tag = "installation",
    params(RotationQuery),
    responses(
        (status = 200, description = "Rotated", body = schema::Rekeyed),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn rekey(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(query): Query<RotationQuery>,
) -> Result<Json<schema::Rekeyed>, Problem> {
    app.broker().begin_operation(&caller, Action::InstallationRekey).await?;
    Ok(Json(schema::Rekeyed { rewrapped: app.operations().rekey(query.force).await? }))
}

/// How to rotate it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RotationQuery {
    /// Even where other nodes are at work.
    #[param(default = false, value_type = Option<bool>, example = false)]
    force: bool,
}

impl FromParameters for RotationQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { force: parameters.flag("force") }
    }
}
