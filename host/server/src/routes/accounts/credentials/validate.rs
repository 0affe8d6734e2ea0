use axum::extract::State;
use http::StatusCode;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, Plugged, Writing};
use crate::problem::Problem;
use crate::request::{FromParameters, InAccount, Json, Parameters, Path, Query};
use crate::schema;

/// Says what creating would say, with every error at once, and stores nothing.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/validate",
    tag = "credentials",
    params(InAccount, ValidationQuery),
    request_body = schema::CreateCredential,
    responses(
        (status = 204, description = "It could be created"),
        Guarded,
        Writing,
        Plugged,
    ),
)]
pub(crate) async fn validate_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<InAccount>,
    Query(query): Query<ValidationQuery>,
    Json(body): Json,
) -> Result<StatusCode, Problem> {
    app.broker().validate_credential(&caller, &path.account, body, query.probe).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How far to go.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ValidationQuery {
    /// Ask the live service too, where the type can.
    #[param(default = false, value_type = Option<bool>, example = false)]
    probe: bool,
}

impl FromParameters for ValidationQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { probe: parameters.flag("probe") }
    }
}
