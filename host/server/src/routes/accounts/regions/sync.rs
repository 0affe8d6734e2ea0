use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{Guarded, RegionFallsShort};
use crate::problem::Problem;
use crate::request::{AccountRegionPath, NoQuery, Path, WantsEvents};
use crate::schema;
use crate::work::{self, Outcome};

/// Looks at everything an account has in a region and puts right what is not,
/// also what others changed there.
///
/// As a stream: `progress` events (`SyncProgress`), then one `result` with the
/// same JSON, or one `problem`.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/regions/{region}/sync",
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
pub(crate) async fn sync_region(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountRegionPath>,
    _: NoQuery,
    WantsEvents(wants_events): WantsEvents,
) -> Result<Response, Problem> {
    let broker = app.clone();
    let syncing = |on_step: work::OnStep| async move {
        let synced = broker.broker().sync_region(&caller, &path.account, &path.region, &*on_step).await?;
        Ok(Outcome::new(synced.ready(), &schema::EnsuredRegion::from(synced)))
    };
    work::answer(&app, wants_events, syncing).await
}
