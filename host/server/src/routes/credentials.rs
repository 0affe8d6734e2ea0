//! `/v1/accounts/{account}/credentials`: stored credentials, without their secrets.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use bursar_credentials::{Deletion, ListCredentials};
use http::StatusCode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{CallsPlugin, Conditional, MayConflict, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::reply::{Created, Tagged};
use crate::request::{
    AccountPath, Creation, CredentialPath, FromParameters, IdempotencyKeyHeader, IfMatch, NoQuery, PageQuery,
    Parameters, Path, Query, Unread,
};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_credentials, create_credential))
        .routes(routes!(validate_credential))
        .routes(routes!(validate_credential_name))
        .routes(routes!(show_credential, update_credential, delete_credential))
        .routes(routes!(show_credential_usage))
}

/// How far to go before something is stored.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreflightQuery {
    /// Ask the live service too, where the type can; what it refuses is not
    /// stored.
    #[param(default = false, value_type = Option<bool>, example = false)]
    pub(crate) probe: bool,
}

impl FromParameters for PreflightQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { probe: parameters.flag("probe") }
    }
}

/// Which credentials; all given filters must match.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CredentialsQuery {
    /// Of types that are used in this slot.
    #[param(example = "database")]
    slot: Option<String>,
    /// Of this type.
    #[param(example = "database-login")]
    r#type: Option<String>,
    /// Of this category.
    #[param(example = "database")]
    category: Option<String>,
    /// With this label, as `name=value` or `name` for any value; repeatable.
    #[param(required = false, example = json!(["team=web"]))]
    label: Vec<String>,
    /// With this text in name, title or description, whatever its case.
    #[param(example = "orders")]
    q: Option<String>,
    /// Deleted ones instead of live ones.
    #[param(default = false, value_type = Option<bool>, example = false)]
    deleted: bool,
    #[param(ignore)]
    page: PageQuery,
}

impl FromParameters for CredentialsQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self {
            slot: parameters.text("slot"),
            r#type: parameters.text("type"),
            category: parameters.text("category"),
            label: parameters.all("label"),
            q: parameters.text("q"),
            deleted: parameters.flag("deleted"),
            page: PageQuery::take(parameters),
        }
    }
}

impl From<CredentialsQuery> for ListCredentials {
    fn from(query: CredentialsQuery) -> Self {
        let labels = query.label.into_iter().map(|label| match label.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (label, None),
        });
        Self {
            slot: query.slot,
            type_id: query.r#type,
            category: query.category,
            labels: labels.collect(),
            text: query.q,
            deleted: query.deleted,
            cursor: query.page.cursor,
            limit: query.page.limit,
        }
    }
}

/// A name to be judged.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NameQuery {
    /// The name.
    #[param(example = "orders-db")]
    name: String,
}

impl FromParameters for NameQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { name: parameters.text("name").unwrap_or_default() }
    }
}

/// How to delete.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeletionQuery {
    /// Even where something still uses it.
    #[param(default = false, value_type = Option<bool>, example = false)]
    force: bool,
    /// For good: the data key is destroyed, and nothing can be restored.
    #[param(default = false, value_type = Option<bool>, example = false)]
    purge: bool,
}

impl FromParameters for DeletionQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { force: parameters.flag("force"), purge: parameters.flag("purge") }
    }
}

/// Credentials of an account, oldest first; those who may not read them see
/// rows to pick from.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials",
    tag = "credentials",
    params(AccountPath, CredentialsQuery, PageQuery),
    responses(
        (status = 200, description = "A part of the list", body = api::Page<api::CredentialItem>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_credentials(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<CredentialsQuery>,
) -> Result<Json<api::Page<api::CredentialItem>>, Problem> {
    let credentials = app.broker().credentials.list(&caller, &path.account, &query.into()).await?;
    Ok(reply::page(credentials, api::CredentialItem::from))
}

/// Stores a new credential. The first of a type that has defaults becomes the
/// account's default.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials",
    tag = "credentials",
    params(AccountPath, PreflightQuery, IdempotencyKeyHeader),
    request_body = api::CreateCredential,
    responses(
        (status = 201, description = "Stored", body = api::Credential, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn create_credential(
    State(app): State<App>,
    mut permit: Permit<permit::CreateCredential>,
    Path(path): Path<AccountPath>,
    Query(query): Query<PreflightQuery>,
    unread: Unread,
) -> Result<Created<api::CredentialItem>, Problem> {
    let Creation { body, key, path: list } = unread.creation::<api::CreateCredential>(&mut permit).await?;
    let body = body.map(Into::into);
    let created = to_the_end(async move {
        app.broker().credentials.create(&permit, &path.account, body, key.as_ref(), query.probe).await
    });
    let created = created.await?;
    let view = created.value;
    Ok(Created {
        list,
        id: view.credential.id.to_string(),
        revision: Some(view.revision),
        replayed: created.replayed,
        body: view.into(),
    })
}

/// Says what creating would say, with every error at once, and stores nothing.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/validate",
    tag = "credentials",
    params(AccountPath, PreflightQuery),
    request_body = api::CreateCredential,
    responses(
        (status = 204, description = "It could be created"),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn validate_credential(
    State(app): State<App>,
    mut permit: Permit<permit::ValidateCredential>,
    Path(path): Path<AccountPath>,
    Query(query): Query<PreflightQuery>,
    unread: Unread,
) -> Result<StatusCode, Problem> {
    let body = unread.json::<api::CreateCredential>(&mut permit).await?.map(Into::into);
    to_the_end(async move { app.broker().credentials.validate(&permit, &path.account, body, query.probe).await })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a credential could be given this name.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/validate-name",
    tag = "credentials",
    params(AccountPath, NameQuery),
    responses(
        (status = 204, description = "It is free"),
        NeedsToken,
        MayConflict,
    ),
)]
pub(crate) async fn validate_credential_name(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<NameQuery>,
) -> Result<StatusCode, Problem> {
    app.broker().credentials.validate_name(&caller, &path.account, &query.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One credential, as much of it as the caller may see.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "The credential", body = api::CredentialItem, headers(("ETag" = String, description = "Its revision"))),
        NeedsToken,
    ),
)]
pub(crate) async fn show_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Tagged<api::CredentialItem>, Problem> {
    let view = app.broker().credentials.get(&caller, &path.account, &path.credential).await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Changes a credential; an absent secret keeps its value.
#[utoipa::path(
    patch,
    path = "/v1/accounts/{account}/credentials/{credential}",
    tag = "credentials",
    params(CredentialPath, PreflightQuery, IfMatch),
    request_body(content((api::PatchCredential = "application/merge-patch+json"), (api::PatchCredential = "application/json"))),
    responses(
        (status = 200, description = "Changed", body = api::Credential, headers(("ETag" = String, description = "Its new revision"))),
        NeedsToken,
        ReadsBody,
        Conditional,
        CallsPlugin,
    ),
)]
pub(crate) async fn update_credential(
    State(app): State<App>,
    mut permit: Permit<permit::UpdateCredential>,
    Path(path): Path<CredentialPath>,
    Query(query): Query<PreflightQuery>,
    IfMatch(if_match): IfMatch,
    unread: Unread,
) -> Result<Tagged<api::CredentialItem>, Problem> {
    let changes = unread.merge_patch::<api::PatchCredential>(&mut permit).await?.map(Into::into);
    let CredentialPath { account, credential } = path;
    let view = to_the_end(async move {
        app.broker().credentials.update(&permit, &account, &credential, changes, if_match, query.probe).await
    });
    let view = view.await?;
    Ok(Tagged(view.revision, view.into()))
}

/// Deletes a credential: softly, so that it can be restored, or for good.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/credentials/{credential}",
    tag = "credentials",
    params(CredentialPath, DeletionQuery, IfMatch),
    responses(
        (status = 204, description = "Deleted"),
        NeedsToken,
        MayConflict,
        Conditional,
    ),
)]
pub(crate) async fn delete_credential(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    Query(query): Query<DeletionQuery>,
    IfMatch(if_match): IfMatch,
) -> Result<StatusCode, Problem> {
    let deletion = Deletion { force: query.force, purge: query.purge };
    // A purge removes it from regions first.
    let deleting = async move {
        app.broker().deletions.delete(&caller, &path.account, &path.credential, deletion, if_match).await
    };
    to_the_end(deleting).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who depends on a credential, and who has used it.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials/{credential}/usage",
    tag = "credentials",
    params(CredentialPath),
    responses(
        (status = 200, description = "Bindings and last uses", body = api::CredentialUsage),
        NeedsToken,
    ),
)]
pub(crate) async fn show_credential_usage(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
) -> Result<Json<api::CredentialUsage>, Problem> {
    Ok(Json(app.broker().bindings.usage(&caller, &path.account, &path.credential).await?.into()))
}
