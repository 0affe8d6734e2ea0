//! `/v1/audit` and `/v1/accounts/{account}/audit`: the audit trail of the
//! installation, and of an account.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use bursar_kernel::audit::{Checkpoint, Filter};
use bursar_kernel::id::CredentialId;
use jiff::Timestamp;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, Permit, permit};
use crate::openapi::{NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::reply;
use crate::request::{AccountPath, FromParameters, NoQuery, PageQuery, Parameters, Path, Query, Unread};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_audit))
        .routes(routes!(list_account_audit))
        .routes(routes!(audit_checkpoint))
}

pub(super) fn long_running() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(verify_audit))
}

/// Which part of the audit trail.
pub(crate) struct AuditQuery {
    /// Which entries.
    pub(crate) filter: Filter,
    /// How many of them.
    pub(crate) page: PageQuery,
}

impl FromParameters for AuditQuery {
    fn take(parameters: &mut Parameters) -> Self {
        let filter = Filter {
            actor: parameters.text("actor"),
            action: parameters.text("action"),
            credential: parameters.parsed::<CredentialId>("credential", "This must be a credential's id."),
            region: parameters.text("region"),
            since: parameters.time("since"),
            until: parameters.time("until"),
            ..Filter::default()
        };
        Self { filter, page: PageQuery::take(parameters) }
    }
}

impl IntoParams for AuditQuery {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [Described::into_params(&parameter_in), PageQuery::into_params(&parameter_in)].concat()
    }
}

/// How the filters are described.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters; their values go into the domain's filter")]
struct Described {
    /// Exactly this actor; `ACCOUNT/user:alice` for those of one account alone.
    #[param(example = "user:alice")]
    actor: Option<String>,
    /// Exactly this action, or those that start so, with a `*` at the end.
    #[param(example = "credential.*")]
    action: Option<String>,
    /// About the credential with this id.
    #[param(value_type = Option<uuid::Uuid>, example = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d02")]
    credential: Option<CredentialId>,
    /// For this region.
    #[param(example = "eu")]
    region: Option<String>,
    /// At or after this time.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-01T00:00:00Z")]
    since: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-12-01T00:00:00Z")]
    until: Option<Timestamp>,
}

/// The installation's audit trail, newest first. For operators.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    params(AuditQuery),
    responses(
        (status = 200, description = "A part of the trail", body = api::Page<api::AuditEntry>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_audit(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<api::Page<api::AuditEntry>>, Problem> {
    let AuditQuery { filter, page } = query;
    let entries = app.broker().audit.list(&caller, None, filter, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(entries, api::AuditEntry::from))
}

/// The account's audit trail, newest first.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/audit",
    tag = "audit",
    params(AccountPath, AuditQuery),
    responses(
        (status = 200, description = "A part of the trail", body = api::Page<api::AuditEntry>),
        NeedsToken,
    ),
)]
pub(crate) async fn list_account_audit(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<api::Page<api::AuditEntry>>, Problem> {
    let AuditQuery { filter, page } = query;
    let entries =
        app.broker().audit.list(&caller, Some(&path.account), filter, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(entries, api::AuditEntry::from))
}

/// Signs where the audit chain stands. For operators.
#[utoipa::path(
    get,
    path = "/v1/audit/checkpoint",
    tag = "audit",
    responses(
        (status = 200, description = "The statement, to be kept elsewhere", body = api::Checkpoint),
        NeedsToken,
    ),
)]
pub(crate) async fn audit_checkpoint(
    State(app): State<App>,
    Caller(caller): Caller,
    _: NoQuery,
) -> Result<Json<api::Checkpoint>, Problem> {
    Ok(Json(app.broker().audit.checkpoint(&caller).await?.into()))
}

/// Walks the whole audit chain and compares the live records with it; with a
/// checkpoint kept elsewhere, also finds a rollback of the whole store. For
/// operators.
#[utoipa::path(
    post,
    path = "/v1/audit/verify",
    tag = "audit",
    request_body = Option<api::Checkpoint>,
    responses(
        (status = 200, description = "What was found", body = api::AuditReport),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn verify_audit(
    State(app): State<App>,
    mut permit: Permit<permit::VerifyAudit>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::AuditReport>, Problem> {
    let body = unread.optional_json::<api::Checkpoint>(&mut permit).await?;
    let witness = body.map(|body| body.accept().map(Checkpoint::from)).transpose()?;
    Ok(Json(app.broker().audit.verify(&permit, witness.as_ref()).await?.into()))
}
