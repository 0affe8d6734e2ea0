use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::auth::Caller;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::request::{Page, Query};
use crate::{reply, schema};

/// The kinds of targets that a region can have, by id, with their settings.
#[utoipa::path(
    get,
    path = "/v1/region-targets",
    tag = "regions",
    params(Page),
    responses(
        (status = 200, description = "A part of the list", body = schema::Page<schema::RegionTarget>),
        Guarded,
    ),
)]
pub(crate) async fn list_region_targets(
    State(app): State<App>,
    Caller(_): Caller,
    Query(page): Query<Page>,
) -> Result<Json<schema::Page<schema::RegionTarget>>, Problem> {
    let kinds = app.broker().region_targets().iter().cloned();
    let kinds = reply::part(kinds, |kind| kind.id.to_owned(), page.cursor.as_deref(), page.limit);
    Ok(reply::page(kinds, schema::RegionTarget::from))
}
