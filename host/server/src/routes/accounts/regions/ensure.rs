use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, RegionFallsShort};
use crate::problem::Problem;
use crate::request::{AccountRegionPath, NoQuery, Path, WantsEvents};
use crate::schema;
use crate::work::{self, Outcome};

/// Waits until every credential of the account is in place in a region, or
/// names those that are not.
///
/// To be asked before a deployment. An account that does not use the region yet
/// does from now on; what is in place is not touched, so asking again does
/// nothing. As a stream: `progress` events (`SyncProgress`), then one `result`
/// with the same JSON, or one `problem`. What has begun is done to its end, also
/// where the client hangs up.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/regions/{region}/ensure",
    tag = "regions",
    params(AccountRegionPath, WantsEvents),
    responses(
        (status = 200, description = "Everything is in place", content(
            (schema::EnsuredRegion = "application/json"),
            (String = "text/event-stream"),
        )),
        Guarded,
        RegionFallsShort,
    ),
)]
pub(crate) async fn ensure_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
    WantsEvents(wants_events): WantsEvents,
) -> Result<Response, Problem> {
    let broker = app.clone();
    let ensuring = |on_step: work::OnStep| async move {
        let ensured = broker.broker().ensure_region(&caller, &path.account, &path.region, &*on_step).await?;
        Ok(Outcome::new(ensured.ready(), &schema::EnsuredRegion::from(ensured)))
    };
    work::answer(&app, wants_events, ensuring).await
}
