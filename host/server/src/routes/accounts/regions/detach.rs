use axum::extract::State;
use bursar_domain::region::OnDetach;
use http::StatusCode;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::detached::to_the_end;
use crate::openapi::{Guarded, InTheWay, Matched};
use crate::problem::Problem;
use crate::request::{FromParameters, IfMatch, AccountRegionPath, Parameters, Path, Query};
use crate::schema;

/// Has an account let go of a region. What cannot be removed now is removed
/// when it can; until then the region shows as `detaching`.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/regions/{region}",
    tag = "regions",
    params(AccountRegionPath, DetachQuery, IfMatch),
    responses(
        (status = 204, description = "It has let go"),
        Guarded,
        InTheWay,
        Matched,
    ),
)]
pub(crate) async fn detach_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    Query(query): Query<DetachQuery>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    let letting_go = async move {
        app.broker().detach_region(&caller, &path.account, &path.region, query.on_detach, if_match).await
    };
    to_the_end(letting_go).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to let go.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct DetachQuery {
    /// What happens to what is there; absent: as it was attached.
    #[param(value_type = Option<schema::OnDetach>, inline, example = "remove")]
    on_detach: Option<OnDetach>,
}

impl FromParameters for DetachQuery {
    fn take(parameters: &mut Parameters) -> Self {
        let text = parameters.text("onDetach");
        let on_detach = text.as_deref().and_then(OnDetach::parse);
        if text.is_some() && on_detach.is_none() {
            parameters.complain("onDetach", "unknown", "This is `remove` or `keep`.");
        }
        Self { on_detach }
    }
}
