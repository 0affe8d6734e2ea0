use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// The installation's regions, oldest first. Settings are shown to operators.
#[utoipa::path(
    get,
    path = "/v1/regions",
    tag = "regions",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::RegionItem>),
        Guarded,
    ),
)]
pub(crate) async fn list_regions(
    State(app): State<App>,
    Caller(caller): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::RegionItem>>, Problem> {
    let regions = app.broker().list_regions(&caller, page.cursor.as_deref(), page.limit).await?;
    Ok(reply::page(regions, schema::RegionItem::from))
}
