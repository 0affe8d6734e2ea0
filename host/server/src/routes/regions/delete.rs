use axum::extract::State;
use http::StatusCode;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, InTheWay, Matched};
use crate::problem::Problem;
use crate::request::{FromParameters, IfMatch, RegionPath, Parameters, Path, Query};

/// Deletes a region that no account uses. For operators.
#[utoipa::path(
    delete,
    path = "/v1/regions/{region}",
    tag = "regions",
    params(RegionPath, RegionDeletionQuery, IfMatch),
    responses(
        (status = 204, description = "Deleted"),
        Guarded,
        InTheWay,
        Matched,
    ),
)]
pub(crate) async fn delete_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<RegionPath>,
    Query(query): Query<RegionDeletionQuery>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().delete_region(&caller, &path.region, query.force, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to delete.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RegionDeletionQuery {
    /// Even where accounts use it: what is there stays, and is nobody's from
    /// then on.
    #[param(default = false, value_type = Option<bool>, example = false)]
    force: bool,
}

impl FromParameters for RegionDeletionQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { force: parameters.flag("force") }
    }
}
