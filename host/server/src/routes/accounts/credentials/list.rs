use axum::Json;
use axum::extract::State;
use bursar_domain::broker::ListQuery;
use serde_json::Value;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{FromParameters, AccountPath, Page, Parameters, Path, Query};
use crate::{reply, schema};

/// Credentials of an account, oldest first; those who may not read them see
/// rows to pick from.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/credentials",
    tag = "credentials",
    params(AccountPath, CredentialsQuery, Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::CredentialItem>),
        Guarded,
    ),
)]
pub(crate) async fn list_credentials(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<CredentialsQuery>,
) -> Result<Json<schema::Page<Value>>, Problem> {
    let credentials = app.broker().list_credentials(&caller, &path.account, &query.into()).await?;
    Ok(reply::page(credentials, |view| view.to_json()))
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
    page: Page,
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
            page: Page::take(parameters),
        }
    }
}

impl From<CredentialsQuery> for ListQuery {
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
