use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use bursar_domain::{Error, Kind};
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::app::App;
use crate::auth::Caller;
use crate::metrics::MEDIA_TYPE;
use crate::openapi::Guarded;
use crate::problem::Problem;

/// What is counted, for Prometheus. Needs any valid token, unless the operator
/// made it public.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "installation",
    responses(
        (status = 200, description = "OpenMetrics text", content_type = "application/openmetrics-text", body = String),
        Guarded,
    ),
)]
pub(crate) async fn metrics(State(app): State<App>, _: Reader) -> Result<Response, Problem> {
    let text = app
        .metrics()
        .encode()
        .map_err(|error| Error::new(Kind::Internal, "the metrics could not be written out").because(error))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// Whoever may read the metrics.
pub(crate) struct Reader;

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.config().metrics_public {
            Caller::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}
