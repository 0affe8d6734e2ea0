use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay, Plugged};
use crate::problem::Problem;
use crate::request::{InCredential, NoQuery, Path};

/// Asks the live service whether the credential works, where its type can.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/probe",
    tag = "credentials",
    params(InCredential),
    responses(
        (status = 204, description = "It works"),
        Guarded,
        InTheWay,
        Plugged,
    ),
)]
pub(crate) async fn probe_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<InCredential>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.broker().probe(&caller, &path.account, &path.credential).await?;
    Ok(StatusCode::NO_CONTENT)
}
