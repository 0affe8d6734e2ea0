use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::{AccountFallsShort, Guarded};
use crate::problem::Problem;
use crate::request::{AccountPath, NoQuery, Path, WantsEvents};
use crate::schema;
use crate::work::{self, Outcome};

/// Looks at everything an account has in every region that takes part, and puts
/// right what is not.
///
/// As a stream: `progress` events (`SyncProgress`), then one `result` with the
/// same JSON, or one `problem`.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/sync",
    tag = "regions",
    params(AccountPath, WantsEvents),
    responses(
        (status = 200, description = "Everything is in place", content(
            (schema::SyncedAccount = "application/json"),
            (String = "text/event-stream"),
        )),
        Guarded,
        AccountFallsShort,
    ),
)]
pub(crate) async fn sync_account(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    WantsEvents(wants_events): WantsEvents,
) -> Result<Response, Problem> {
    let broker = app.clone();
    let syncing = |on_step: work::OnStep| async move {
        let regions = broker.broker().sync_account(&caller, &path.account, &*on_step).await?;
        let synced = schema::SyncedAccount::from(regions);
        Ok(Outcome::new(synced.ready, &synced))
    };
    work::answer(&app, wants_events, syncing).await
}
