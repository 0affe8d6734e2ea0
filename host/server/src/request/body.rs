//! JSON bodies. Nothing of a body is ever echoed.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, OriginalUri, Request};
use bursar_api::RequestBody;
use bursar_kernel::IdempotencyKey;
use bursar_kernel::Submitted;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use super::in_flight::Reservation;
use super::measure::{Measure, MeasureError};
use crate::app::{App, ServerConfig};
use crate::auth::Permit;
use crate::auth::permit::Permitted;
use crate::problem::{Problem, ProblemType};

/// A request whose body is not read yet. Reading takes a [`Permit`], so that only an
/// authorized caller's body is read; the permit then holds the reserved memory.
pub(crate) struct Unread {
    request: Request,
    app: App,
}

/// A body that creates a resource, with the key that identifies a repeated request.
pub(crate) struct Creation<T> {
    /// The body.
    pub(crate) body: Submitted<T>,
    /// `Idempotency-Key`, if any.
    pub(crate) key: Option<IdempotencyKey>,
    /// The path of the collection.
    pub(crate) path: String,
}

impl FromRequest<App> for Unread {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Infallible> {
        Ok(Self { request, app: app.clone() })
    }
}

impl Unread {
    /// A body of `application/json`.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or exceeds the limits on bodies.
    pub(crate) async fn json<T: RequestBody>(
        self,
        permit: &mut Permit<impl Permitted>,
    ) -> Result<Submitted<T>, Problem> {
        let app = self.app.clone();
        let (bytes, reservation) = self.read(permit, &[JSON]).await?;
        parse(&app, &bytes, reservation, permit)
    }

    /// The same for a body that may be absent.
    ///
    /// # Errors
    ///
    /// As for [`Unread::json`].
    pub(crate) async fn optional_json<T: RequestBody>(
        self,
        permit: &mut Permit<impl Permitted>,
    ) -> Result<Option<Submitted<T>>, Problem> {
        let app = self.app.clone();
        let untyped = !self.request.headers().contains_key(CONTENT_TYPE);
        let accepted: &[&str] = if untyped { &[UNTYPED] } else { &[JSON] };
        let (bytes, reservation) = self.read(permit, accepted).await?;
        match (bytes.is_empty(), untyped) {
            (true, _) => Ok(None),
            (false, true) => Err(media_type(&[JSON])),
            (false, false) => parse(&app, &bytes, reservation, permit).map(Some),
        }
    }

    /// A body of `application/merge-patch+json` (RFC 7396) or `application/json`.
    ///
    /// # Errors
    ///
    /// As for [`Unread::json`].
    pub(crate) async fn merge_patch<T: RequestBody>(
        self,
        permit: &mut Permit<impl Permitted>,
    ) -> Result<Submitted<T>, Problem> {
        let app = self.app.clone();
        let (bytes, reservation) = self.read(permit, &[MERGE_PATCH, JSON]).await?;
        parse(&app, &bytes, reservation, permit)
    }

    /// What is to be created, and the key to know its repetition by.
    ///
    /// # Errors
    ///
    /// As for [`Unread::json`].
    pub(crate) async fn creation<T: RequestBody>(
        self,
        permit: &mut Permit<impl Permitted>,
    ) -> Result<Creation<T>, Problem> {
        let app = self.app.clone();
        let uri = self.request.extensions().get::<OriginalUri>().map(|uri| uri.0.clone());
        let path = uri.as_ref().unwrap_or(self.request.uri()).path().to_owned();
        let key = idempotency_key(self.request.headers())?;
        let method = self.request.method().clone();
        let (bytes, reservation) = self.read(permit, &[JSON]).await?;
        let body = parse(&app, &bytes, reservation, permit)?;
        let key = key.map(|key| IdempotencyKey { key, request: fingerprinted(&method, &path, &bytes) });
        Ok(Creation { body, key, path })
    }

    async fn read<O>(self, permit: &Permit<O>, accepted: &[&str]) -> Result<(Vec<u8>, Reservation), Problem> {
        let config = self.app.config();
        let headers = self.request.headers();
        let essence = essence(headers);
        if !accepted.contains(&essence.as_str()) || is_compressed(headers) {
            return Err(media_type(accepted));
        }
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > config.max_body_bytes as u64) {
            return Err(too_large(config));
        }
        let mut reservation = self.app.bytes_in_flight().reserve(permit);
        let body = collect(self.request.into_body(), config, &mut reservation);
        match tokio::time::timeout(config.body_timeout, body).await {
            Ok(body) => Ok((body?, reservation)),
            Err(_) => Err(Problem::new(ProblemType::BodyTimeout, "the request's body did not arrive in time")),
        }
    }
}

/// Describes the `Idempotency-Key` header.
pub(crate) struct IdempotencyKeyHeader;

impl IntoParams for IdempotencyKeyHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "A key of your choice, 1-255 printable characters: the same request sent again with it within \
                           a day creates nothing and is answered with what the first one created.";
        vec![
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255))))
                .example(Some("5f0c6a52-8f8e-4d7a-9d0e-3c1b9a7e2f11".into()))
                .build(),
        ]
    }
}

/// Reserves memory for what has arrived, not for what was announced, so that a stalled
/// upload takes no more than it sent.
async fn collect(mut body: Body, config: &ServerConfig, reservation: &mut Reservation) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| Problem::new(ProblemType::Malformed, "the request's body ended before it was complete"))?;
        // Trailers are not used.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len().saturating_add(data.len()) > config.max_body_bytes {
            return Err(too_large(config));
        }
        reservation.grow(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Builds the tree after its size has been checked and reserved, and reads it.
fn parse<T: RequestBody, O>(
    app: &App,
    bytes: &[u8],
    mut reservation: Reservation,
    permit: &mut Permit<O>,
) -> Result<Submitted<T>, Problem> {
    let most = app.config().max_body_nodes;
    let measure = Measure::of(bytes, most).map_err(|error| match error {
        MeasureError::TooMany => too_many(most),
        MeasureError::Syntax(error) => malformed(&error),
    })?;
    reservation.grow(measure.tree_bytes(bytes.len()))?;
    permit.hold(reservation);
    let body = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    Ok(T::read(body)?)
}

/// Without serde_json's own text, which can quote the body.
fn malformed(error: &serde_json::Error) -> Problem {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the body ends too early to be JSON",
        _ => "the body is not JSON, or is nested too deep",
    };
    Problem::new(ProblemType::Malformed, &format!("{what}: line {}, column {}", error.line(), error.column()))
}

/// Media type without parameters, in lower case.
fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or(UNTYPED);
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().map_err(|_| {
        Problem::new(ProblemType::Malformed, "the header Idempotency-Key takes printable ASCII characters")
    })?;
    Ok(Some(text.to_owned()))
}

/// What a key identifies: method, path and body.
fn fingerprinted(method: &Method, path: &str, body: &[u8]) -> Vec<u8> {
    [method.as_str().as_bytes(), b" ", path.as_bytes(), b"\n", body].concat()
}

fn media_type(accepted: &[&str]) -> Problem {
    let detail = format!("send the body uncompressed as {}", accepted.join(" or "));
    Problem::new(ProblemType::UnsupportedMediaType, &detail)
}

fn too_large(config: &ServerConfig) -> Problem {
    let detail = format!("the request's body is larger than {} bytes (limits.body_bytes)", config.max_body_bytes);
    Problem::new(ProblemType::TooLarge, &detail)
}

fn too_many(most: usize) -> Problem {
    let detail = format!("the request's body holds more than {most} values and names (limits.body_nodes)");
    Problem::new(ProblemType::TooLarge, &detail)
}

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const UNTYPED: &str = "";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_body_is_not_echoed() {
        for body in [&b"{\"password\": \"hunter2\", hunter2"[..], b"\"hunter2", b"hunter2", b"[hunter2]"] {
            let Err(MeasureError::Syntax(error)) = Measure::of(body, usize::MAX) else { panic!("this is no JSON") };
            assert!(!format!("{:?}", malformed(&error)).contains("hunter2"));
        }
    }

    #[test]
    fn media_types_are_compared_without_parameters() {
        let of = |value: &'static str| {
            essence(&HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(value))]))
        };
        assert_eq!(of("Application/JSON; charset=utf-8"), JSON);
        assert_eq!(of("application/merge-patch+json"), MERGE_PATCH);
    }
}
