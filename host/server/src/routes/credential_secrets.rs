//! `/v1/accounts/{account}/credentials/{credential}/{reveal,materialize,probe}`:
//! what uses a credential's secrets.

use axum::Json;
use axum::extract::State;
use bursar_api as api;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::detached::to_the_end;
use crate::openapi::{CallsPlugin, NeedsToken, ReadsBody};
use crate::problem::Problem;
use crate::request::{CredentialPath, NoQuery, Path, Unread};

pub(super) fn bounded() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(reveal_credential))
        .routes(routes!(materialize_credential))
        .routes(routes!(probe_credential))
}

/// Shows secret fields. Answers once the audit record of it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/reveal",
    tag = "credentials",
    params(CredentialPath),
    request_body = Option<api::Reveal>,
    responses(
        (status = 200, description = "The secrets", body = api::Revealed),
        NeedsToken,
        ReadsBody,
    ),
)]
pub(crate) async fn reveal_credential(
    State(app): State<App>,
    mut permit: Permit<permit::RevealCredential>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Revealed>, Problem> {
    let api::Reveal { fields } = unread.optional_json(&mut permit).await?.unwrap_or_default().accept()?;
    let revealed = app.broker().credentials.reveal(&permit, &path.account, &path.credential, fields.as_deref()).await?;
    Ok(Json(revealed.into()))
}

/// Hands a credential out in the form its user expects. Answers once the audit
/// record of it is durable.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/materialize",
    tag = "credentials",
    params(CredentialPath),
    request_body = Option<api::Materialize>,
    responses(
        (status = 200, description = "The files", body = api::Materialized),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn materialize_credential(
    State(app): State<App>,
    mut permit: Permit<permit::MaterializeCredential>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Materialized>, Problem> {
    let api::Materialize { format } = unread.optional_json(&mut permit).await?.unwrap_or_default().accept()?;
    let materialized =
        app.broker().credentials.materialize(&permit, &path.account, &path.credential, format.as_deref()).await?;
    Ok(Json(materialized.into()))
}

/// Asks the live service whether the credential works, where its type can; a
/// DNS provider's, whether a record could be written at a name, or at all.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/credentials/{credential}/probe",
    tag = "credentials",
    params(CredentialPath),
    request_body = Option<api::Probe>,
    responses(
        (status = 200, description = "It works", body = api::Probed),
        NeedsToken,
        ReadsBody,
        CallsPlugin,
    ),
)]
pub(crate) async fn probe_credential(
    State(app): State<App>,
    mut permit: Permit<permit::ProbeCredential>,
    Path(path): Path<CredentialPath>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<api::Probed>, Problem> {
    let api::Probe { fqdn } = unread.optional_json(&mut permit).await?.unwrap_or_default().accept()?;
    let probed = to_the_end(async move {
        match fqdn {
            Some(fqdn) => app.broker().dns.probe(&permit, &path.account, &path.credential, &fqdn).await,
            None => app.broker().credentials.probe(&permit, &path.account, &path.credential).await,
        }
    });
    Ok(Json(probed.await?.into()))
}
