//! `/v1/accounts/{account}/bindings`: which consumer uses which credential, and in
//! which slot.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use bursar_bindings::ListBindings;
use bursar_kernel::id::Reference;
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::openapi::{Conditional, MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::reply::Tagged;
use crate::request::{
    AccountPath, BindingPath, FromParameters, IfMatch, NoQuery, PageQuery, Parameters, Path, Query, Unread,
};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_bindings)).routes(routes!(show_binding, put_binding, delete_binding))
}

/// Which bindings; all given filters must match.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BindingsQuery {
    /// Of this consumer.
    #[param(example = "app:shop")]
    consumer: Option<String>,
    /// In this slot.
    #[param(example = "database")]
    slot: Option<String>,
    /// To this credential, by id or name.
    #[param(example = "orders-db")]
    credential: Option<String>,
    #[param(ignore)]
    page: PageQuery,
}

impl FromParameters for BindingsQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self {
            consumer: parameters.text("consumer"),
            slot: parameters.text("slot"),
            credential: parameters.text("credential"),
            page: PageQuery::take(parameters),
        }
    }
}

impl From<BindingsQuery> for ListBindings {
    fn from(query: BindingsQuery) -> Self {
        Self {
            consumer: query.consumer,
            slot: query.slot,
            credential: query.credential.as_deref().map(Reference::from),
            cursor: query.page.cursor,
            limit: query.page.limit,
        }
    }
}

/// The bindings of an account; those of one consumer stand together.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/bindings",
    tag = "bindings",
    params(AccountPath, BindingsQuery, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::Binding>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_bindings(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<BindingsQuery>,
) -> Result<Json<api::Page<api::Binding>>, Problem> {
    let bindings = app.broker().bindings.list(&caller, &path.account, &query.into()).await?;
    Ok(reply::page(bindings, api::Binding::from))
}

/// What a consumer uses in a slot.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/bindings/{consumer}/{slot}",
    tag = "bindings",
    params(BindingPath),
    responses(
        (status = 200, description = "The binding", body = api::Binding, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
    ),
)]
pub(crate) async fn show_binding(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<BindingPath>,
    _: NoQuery,
) -> Result<Tagged<api::Binding>, Problem> {
    let binding = app.broker().bindings.get(&caller, &path.account, (&path.consumer, &path.slot)).await?;
    Ok(Tagged(binding.revision, binding.into()))
}

/// Chooses what a consumer uses in a slot, whatever it used before. The binding
/// is to the credential: it stays when that is renamed.
#[utoipa::path(
    put,
    path = "/v1/accounts/{account}/bindings/{consumer}/{slot}",
    tag = "bindings",
    params(BindingPath, IfMatch),
    request_body = api::PutBinding,
    responses(
        (status = 200, description = "The binding", body = api::Binding, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        ReadsBody,
        Conditional,
    ),
)]
pub(crate) async fn put_binding(
    State(app): State<App>,
    mut permit: Permit<permit::PutBinding>,
    Path(path): Path<BindingPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<api::Binding>, Problem> {
    let body = unread.json::<api::PutBinding>(&mut permit).await?.accept()?;
    let credential = Reference::from(body.credential.as_str());
    let place = (path.consumer.as_str(), path.slot.as_str());
    let binding = app.broker().bindings.put(&permit, &path.account, place, &credential, if_match).await?;
    Ok(Tagged(binding.revision, binding.into()))
}

/// Ends a binding: the consumer uses the account's default again, where its
/// slot has one.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/bindings/{consumer}/{slot}",
    tag = "bindings",
    params(BindingPath, IfMatch),
    responses(
        (status = 204, description = "Ended"),
        NeedsToken,
        MayConflict,
        Conditional,
    ),
)]
pub(crate) async fn delete_binding(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<BindingPath>,
    _: NoQuery,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    app.broker().bindings.delete(&caller, &path.account, (&path.consumer, &path.slot), if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
