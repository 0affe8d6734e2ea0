use axum::extract::State;
use http::StatusCode;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay};
use crate::problem::Problem;
use crate::request::{FromParameters, AccountPath, Parameters, Path, Query};

/// Whether a credential could be given this name.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/validate-name",
    tag = "credentials",
    params(AccountPath, NameQuery),
    responses(
        (status = 204, description = "It is free"),
        Guarded,
        InTheWay,
    ),
)]
pub(crate) async fn validate_credential_name(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<NameQuery>,
) -> Result<StatusCode, Problem> {
    app.broker().validate_name(&caller, &path.account, &query.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name to be judged.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NameQuery {
    /// The name.
    #[param(example = "orders-db")]
    name: String,
}

impl FromParameters for NameQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { name: parameters.text("name").unwrap_or_default() }
    }
}
