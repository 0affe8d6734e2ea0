use axum::Json;
use axum::extract::State;
use bursar_domain::broker::BindingQuery;
use bursar_domain::id::Reference;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{FromParameters, AccountPath, Page, Parameters, Path, Query};
use crate::{reply, schema};

/// The bindings of an account; those of one consumer stand together.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/bindings",
    tag = "bindings",
    params(AccountPath, BindingsQuery, Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::Binding>),
        Guarded,
    ),
)]
pub(crate) async fn list_bindings(
    State(app): State<App>,
    Caller(caller): Caller,
    Path(path): Path<AccountPath>,
    Query(query): Query<BindingsQuery>,
) -> Result<Json<schema::Page<schema::Binding>>, Problem> {
    let bindings = app.broker().list_bindings(&caller, &path.account, &query.into()).await?;
    Ok(reply::page(bindings, schema::Binding::from))
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
    page: Page,
}

impl FromParameters for BindingsQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self {
            consumer: parameters.text("consumer"),
            slot: parameters.text("slot"),
            credential: parameters.text("credential"),
            page: Page::take(parameters),
        }
    }
}

impl From<BindingsQuery> for BindingQuery {
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
