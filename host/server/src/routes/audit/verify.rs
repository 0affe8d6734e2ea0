use axum::Json;
use axum::extract::State;
use bursar_domain::audit::{Checkpoint, Report};
use bursar_domain::{Error, Violation};
use serde_json::Value;

use crate::app::App;
use crate::auth::{Permit, permit};
use crate::openapi::{Guarded, Writing};
use crate::problem::Problem;
use crate::request::{NoQuery, Unread};
use crate::schema;

/// Walks the whole audit chain and compares the live records with it; with a
/// checkpoint kept elsewhere, also finds a rollback of the whole store. For
/// operators.
#[utoipa::path(
    post,
    path = "/v1/audit/verify",
    tag = "audit",
    request_body = Option<schema::Checkpoint>,
    responses(
        (status = 200, description = "What was found", body = schema::AuditReport),
        Guarded,
        Writing,
    ),
)]
pub(crate) async fn verify_audit(
    State(app): State<App>,
    mut permit: Permit<permit::VerifyAudit>,
    _: NoQuery,
    unread: Unread,
) -> Result<Json<Report>, Problem> {
    let body = unread.optional_json(&mut permit).await?;
    let witness = body.map(read_witness).transpose()?;
    Ok(Json(app.broker().verify_audit(&permit, witness.as_ref()).await?))
}

fn read_witness(body: Value) -> Result<Checkpoint, Error> {
    serde_json::from_value(body).map_err(|_| {
        let message = "This is no checkpoint: send what GET /v1/audit/checkpoint answered, or no body.";
        Error::invalid(vec![Violation::new("", "format", message)])
    })
}
