use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::auth::Session;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{AccountPath, LastEventId, NoQuery, Path};
use crate::sse;
use crate::watch::Feed;

/// What changes in an account, as server-sent events while it happens.
///
/// Events: `sync` (`SyncEvent`), `credential` (`CredentialEvent`), `region`
/// (`RegionEvent`) and `plugins` (`{}`: types may have come or gone). An event
/// tells that something is to be read again; after `reset`, that is everything.
/// For every token that may list and is not narrowed; the stream ends once that
/// is no longer so.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/events",
    tag = "events",
    params(AccountPath, LastEventId),
    responses(
        (status = 200, description = "The events, without an end", content_type = "text/event-stream", body = String),
        Guarded,
    ),
)]
pub(crate) async fn watch_account(
    State(app): State<App>,
    session: Session,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    LastEventId(last): LastEventId,
) -> Result<Response, Problem> {
    let account = app.broker().watch(&session.caller, &path.account).await?;
    let open = app.streams().open(&session.caller, account.id)?;
    Ok(sse::answer(Feed::new(app, session, account.id, open, last.as_deref()).stream()))
}
