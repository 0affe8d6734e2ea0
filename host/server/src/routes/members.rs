//! `/v1/accounts/{account}/members`: who belongs to an account, and in which role.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::openapi::{Conditional, MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::reply::Tagged;
use crate::request::{AccountPath, IfMatch, MemberPath, NoQuery, PageQuery, Path, Query, Unread};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_members)).routes(routes!(put_member, delete_member))
}

/// The members of an account, by principal.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/members",
    tag = "members",
    params(AccountPath, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::Member>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_members(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(page): Query<PageQuery>,
) -> Result<Json<api::Page<api::Member>>, Problem> {
    let members = app.broker().members.list(&caller, &path.account, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(members, api::Member::from))
}

/// Makes a principal a member, or changes their role and what they may bind.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/members/{principal}",
    tag = "members",
    params(MemberPath, IfMatch),
    request_body = api::PutMember,
    responses(
        (status = 200, description = "The member", body = api::Member, headers(("ETag" = String, description = "The membership's revision"))),
        NeedsToken,
        ReadsBody,
        Conditional,
    ),
)]
pub(crate) async fn put_member(
    State(app): State<App>,
    mut permit: Permit<permit::PutMember>,
    Path(path): Path<MemberPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<api::Member>, Problem> {
    let body = unread.json::<api::PutMember>(&mut permit).await?.map(Into::into);
    let put = app.broker().members.put(&permit, &path.account, &path.principal, body, if_match);
    let (member, revision) = put.await?;
    Ok(Tagged(revision, member.into()))
}

/// Ends a membership; tokens that carry it stop working at once.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/members/{principal}",
    tag = "members",
    params(MemberPath, IfMatch),
    responses(
        (status = 204, description = "Ended"),
        NeedsToken,
        MayConflict,
        Conditional,
    ),
)]
pub(crate) async fn delete_member(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<MemberPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().members.delete(&caller, &path.account, &path.principal, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
