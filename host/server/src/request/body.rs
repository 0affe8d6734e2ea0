//! JSON bodies. A body that cannot be read is never echoed.

use axum::body::Body;
use axum::extract::{FromRequest, OriginalUri, Request};
use bursar_domain::broker::IdempotencyKey;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError};
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::app::{App, ServerConfig};
use crate::problem::{Problem, ProblemType};

/// A body of `application/json`.
pub(crate) struct Json(pub(crate) Value);

/// The same, where no body is as good as `{}`.
pub(crate) struct OptionalJson(pub(crate) Option<Value>);

/// A body of `application/merge-patch+json` (RFC 7396) or `application/json`.
pub(crate) struct MergePatch(pub(crate) Value);

/// A body that creates something, and the key under which a repetition of the
/// request is recognised.
pub(crate) struct Creation {
    /// The body.
    pub(crate) body: Value,
    /// `Idempotency-Key`, if any.
    pub(crate) key: Option<IdempotencyKey>,
    /// The path of the list it is created in.
    pub(crate) path: String,
}

impl FromRequest<App> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = read(request, app.config(), &[JSON]).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<App> for OptionalJson {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let untyped = !request.headers().contains_key(CONTENT_TYPE);
        let accepted: &[&str] = if untyped { &[UNTYPED] } else { &[JSON] };
        let bytes = read(request, app.config(), accepted).await?;
        match (bytes.is_empty(), untyped) {
            (true, _) => Ok(Self(None)),
            (false, true) => Err(media_type(&[JSON])),
            (false, false) => parse(&bytes).map(|body| Self(Some(body))),
        }
    }
}

impl FromRequest<App> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = read(request, app.config(), &[MERGE_PATCH, JSON]).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<App> for Creation {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
        let path = uri.path().to_owned();
        let key = idempotency_key(request.headers())?;
        let method = request.method().clone();
        let bytes = read(request, app.config(), &[JSON]).await?;
        let body = parse(&bytes)?;
        let key = key.map(|key| IdempotencyKey { key, request: fingerprinted(&method, &path, &bytes) });
        Ok(Self { body, key, path })
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

async fn read(request: Request, config: &ServerConfig, accepted: &[&str]) -> Result<Bytes, Problem> {
    let headers = request.headers();
    let essence = essence(headers);
    if !accepted.contains(&essence.as_str()) || is_compressed(headers) {
        return Err(media_type(accepted));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > config.max_body_bytes as u64) {
        discard(request.into_body(), config).await;
        return Err(too_large(config));
    }
    let body = collect(request.into_body(), config);
    match tokio::time::timeout(config.body_timeout, body).await {
        Ok(body) => body,
        Err(_) => Err(Problem::new(ProblemType::BodyTimeout, "the request's body did not arrive in time")),
    }
}

/// Reads what is too large and drops it, up to a point: a client that writes all
/// of its body before it reads would see a broken connection instead of the
/// answer (RFC 9112, section 9.6).
async fn discard(mut body: Body, config: &ServerConfig) {
    let most = config.max_body_bytes.saturating_mul(DISCARDED_LIMITS);
    let reading = async {
        let mut seen = 0_usize;
        while let Some(Ok(frame)) = body.frame().await {
            seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if seen > most {
                break;
            }
        }
    };
    // However it ends, the answer is the same.
    let _ = tokio::time::timeout(config.body_timeout, reading).await;
}

async fn collect(body: Body, config: &ServerConfig) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, config.max_body_bytes).await.map_err(|error| {
        let is_too_large =
            std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
        if is_too_large {
            too_large(config)
        } else {
            Problem::new(ProblemType::Malformed, "the request's body broke off")
        }
    })
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        // serde_json's own text is not taken, so that it can never hold a part
        // of the body.
        let what = match error.classify() {
            serde_json::error::Category::Eof => "the body ends too early to be JSON",
            _ => "the body is not JSON, or is nested too deep",
        };
        Problem::new(ProblemType::Malformed, &format!("{what}: line {}, column {}", error.line(), error.column()))
    })
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

/// Method, path and body: what a key stands for.
fn fingerprinted(method: &Method, path: &str, body: &[u8]) -> Vec<u8> {
    [method.as_str().as_bytes(), b" ", path.as_bytes(), b"\n", body].concat()
}

fn media_type(accepted: &[&str]) -> Problem {
    let detail = format!("send the body uncompressed as {}", accepted.join(" or "));
    Problem::new(ProblemType::UnsupportedMediaType, &detail)
}

fn too_large(config: &ServerConfig) -> Problem {
    let detail = format!("the request's body is larger than {} bytes", config.max_body_bytes);
    Problem::new(ProblemType::TooLarge, &detail)
}

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const UNTYPED: &str = "";
/// How many times the limit is read and dropped before the connection is cut.
const DISCARDED_LIMITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_body_is_not_echoed() {
        for body in [&b"{\"password\": \"hunter2\", hunter2"[..], b"\"hunter2", b"hunter2", b"[hunter2]"] {
            let problem = parse(body).unwrap_err();
            assert!(!format!("{problem:?}").contains("hunter2"));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        assert!(parse(&deep).is_err());
        assert!(parse(&[b"[".repeat(100), b"]".repeat(100)].concat()).is_ok());
        assert_eq!(parse(br#"{"a":1,"a":2}"#).unwrap(), serde_json::json!({"a": 2}));
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
