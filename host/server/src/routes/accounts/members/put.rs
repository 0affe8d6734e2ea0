use axum::extract::State;
use bursar_domain::Error;
use bursar_domain::access::Role;
use bursar_domain::broker::BindableChange;
use serde_json::Value;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Matched, Writing};
use crate::problem::Problem;
use crate::reply::Tagged;
use crate::request::{IfMatch, NoQuery, ObjectReader, MemberPath, Path, Unread};
use crate::schema;

/// Makes a principal a member, or changes their role and what they may bind.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/members/{principal}",
    tag = "members",
    params(MemberPath, IfMatch),
    request_body = schema::PutMember,
    responses(
        (status = 200, description = "The member", body = schema::Member, headers(("ETag" = String, description = "The membership's revision"))),
        Guarded,
        Writing,
        Matched,
    ),
)]
pub(crate) async fn put_member(
    State(app): State<App>,
    mut permit: Permit<permit::PutMember>,
    Path(path): Path<MemberPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<schema::Member>, Problem> {
    let body = unread.json(&mut permit).await?;
    let (role, bindable) = read(body)?;
    let put = app.broker().put_member(&permit, &path.account, &path.principal, role, bindable, if_match);
    let (member, revision) = put.await?;
    Ok(Tagged(revision, member.into()))
}

/// Reads `{"role": "...", "bindable": ...}`.
fn read(body: Value) -> Result<(Role, BindableChange), Error> {
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
            Ok(schema::Bindable { credentials, labels }) if value.is_object() => {
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
    Ok((role.ok_or_else(|| Error::not_found("role"))?, bindable))
}
