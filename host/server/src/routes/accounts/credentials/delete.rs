use axum::extract::State;
use bursar_domain::broker::Deletion;
use http::StatusCode;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::detached::to_the_end;
use crate::openapi::{Guarded, InTheWay, Matched};
use crate::problem::Problem;
use crate::request::{FromParameters, IfMatch, CredentialPath, Parameters, Path, Query};

/// Deletes a credential: softly, so that it can be restored, or for good.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/credentials/{credential}",
    tag = "credentials",
    params(CredentialPath, DeletionQuery, IfMatch),
    responses(
        (status = 204, description = "Deleted"),
        Guarded,
        InTheWay,
        Matched,
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
        app.broker().delete_credential(&caller, &path.account, &path.credential, deletion, if_match).await
    };
    to_the_end(deleting).await?;
    Ok(StatusCode::NO_CONTENT)
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
