//! `/v1/accounts/{account}/members`: who belongs to an account, and in which role.

use axum::Json;
use axum::extract::State;
use bursar_access::PutMember;
use bursar_api as api;
use bursar_domain::Error;
use bursar_domain::access::Role;
use bursar_domain::broker::BindableChange;
use http::StatusCode;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::openapi::{Conditional, MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::reply::Tagged;
use crate::request::{AccountPath, IfMatch, MemberPath, NoQuery, ObjectReader, PageQuery, Path, Query, Unread};

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
    let body = unread.json(&mut permit).await?;
    let command = read(body)?;
    let put = app.broker().members.put(&permit, &path.account, &path.principal, command.into(), if_match);
    let (member, revision) = put.await?;
    Ok(Tagged(revision, member.into()))
}

/// Reads `{"role": "...", "bindable": ...}`.
fn read(body: Value) -> Result<PutMember, Error> {
    let mut object = ObjectReader::new(Some(body));
    let role = object.text("role").and_then(|text| Role::parse(&text));
    if role.is_none() {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        object.complain("/role".to_owned(), "required", &format!("Choose one of {}.", roles.join(", ")));
    }
    let bindable = match object.value("bindable") {
        None => BindableChange::Keep,
        Some(Value::Null) => BindableChange::All,
        Some(value) => match serde_json::from_value(value.clone()) {
            // A list would be read as the members in order.
            Ok(api::Bindable { credentials, labels }) if value.is_object() => {
                BindableChange::Only { credentials, labels }
            }
            _ => {
                let message = "Give credentials (a list of ids or names) and labels (an object of strings), or null.";
                object.complain("/bindable".to_owned(), "type", message);
                BindableChange::Keep
            }
        },
    };
    object.finish()?;
    Ok(PutMember { role: role.ok_or_else(|| Error::not_found("role"))?, bindable })
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
