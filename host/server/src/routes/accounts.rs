//! `/v1/accounts`: the tenants, and what changes in one.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bursar_api as api;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, Session, permit};
use crate::openapi::{AccountIncomplete, Conditional, MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply::{Created, Tagged};
use crate::request::{
    AccountPath, IdempotencyKeyHeader, IfMatch, LastEventId, NoQuery, PageQuery, Path, Query, Unread, WantsEvents,
};
use crate::watch::Feed;
use crate::work::{self, Outcome};
use crate::{reply, sse};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_accounts, create_account)).routes(routes!(
        show_account,
        update_account,
        delete_account
    ))
}

pub(super) fn long_running() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(watch_account)).routes(routes!(sync_account))
}

/// The accounts the caller may enter.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    tag = "accounts",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::Account>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_accounts(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::Account>>, Problem> {
    let accounts = app.broker().accounts.list(&caller, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(accounts, api::Account::from))
}

/// Makes an account. For operators.
#[utoipa::path(
    post,
    path = "/v1/accounts",
    tag = "accounts",
    params(IdempotencyKeyHeader),
    request_body = api::CreateAccount,
    responses(
        (status = 201, description = "Made", body = api::Account, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn create_account(
    State(app): State<App>,
    mut permit: Permit<permit::CreateAccount>,
    _: NoQuery,
    unread: Unread,
) -> Result<Created<api::Account>, Problem> {
    let creation = unread.creation::<api::CreateAccount>(&mut permit).await?;
    let created = app.broker().accounts.create(&permit, creation.body.map(Into::into), creation.key.as_ref()).await?;
    let (account, revision) = created.value;
    Ok(Created {
        list: creation.path,
        id: account.id.to_string(),
        revision: Some(revision),
        replayed: created.replayed,
        body: account.into(),
    })
}

/// One account.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(AccountPath),
    responses(
        (status = 200, description = "The account", body = api::Account, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
    ),
)]
pub(crate) async fn show_account(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    _: NoQuery,
) -> Result<Tagged<api::Account>, Problem> {
    let (account, revision) = app.broker().accounts.get(&caller, &path.account).await?;
    Ok(Tagged(revision, account.into()))
}

/// Changes an account's title, or, for operators, its name.
#[utoipa::path(
    patch,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(AccountPath, IfMatch),
    request_body(content((api::PatchAccount = "application/merge-patch+json"), (api::PatchAccount = "application/json"))),
    responses(
        (status = 200, description = "Changed", body = api::Account, headers(("ETag" = String, description = "Its new revision"))),
        NeedsToken,
        ReadsBody,
        Conditional,
    ),
)]
pub(crate) async fn update_account(
    State(app): State<App>,
    mut permit: Permit<permit::UpdateAccount>,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<api::Account>, Problem> {
    let changes = unread.merge_patch::<api::PatchAccount>(&mut permit).await?.map(Into::into);
    let (account, revision) = app.broker().accounts.update(&permit, &path.account, changes, if_match).await?;
    Ok(Tagged(revision, account.into()))
}

/// Deletes an empty account with its members and tokens. For operators.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}",
    tag = "accounts",
    params(AccountPath, IfMatch),
    responses(
        (status = 204, description = "Deleted"),
        NeedsToken,
        MayConflict,
        Conditional,
    ),
)]
pub(crate) async fn delete_account(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().accounts.delete(&caller, &path.account, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}

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
        NeedsToken,
    ),
)]
pub(crate) async fn watch_account(
    State(app): State<App>,
    session: Session,
    Path(path): Path<AccountPath>,
    _: NoQuery,
    LastEventId(last): LastEventId,
) -> Result<Response, Problem> {
    let account = app.broker().regions.watch(&session.caller, &path.account).await?;
    let open = app.streams().open(&session.caller, account.id)?;
    Ok(sse::answer(Feed::new(app, session, account.id, open, last.as_deref()).stream()))
}

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
            (api::SyncedAccount = "application/json"),
            (String = "text/event-stream"),
        )),
        NeedsToken,
        AccountIncomplete,
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
        let regions = broker.broker().attachments.sync_account(&caller, &path.account, &*on_step).await?;
        let synced = api::SyncedAccount::from(regions);
        Ok(Outcome::new(synced.ready, &synced))
    };
    work::answer(&app, wants_events, syncing).await
}
