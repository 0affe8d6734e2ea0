//! Problems (RFC 9457): the table from failures to HTTP, and the response.

use axum::response::{IntoResponse, Response};
use bursar_api as api;
use bursar_kernel::{Error, Kind, Violation};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::request_id;

/// Every way a request can fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ProblemType {
    Malformed,
    Unauthenticated,
    Denied,
    NotFound,
    MethodNotAllowed,
    BodyTimeout,
    Conflict,
    Overtaken,
    QuotaExceeded,
    Stale,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    Unsupported,
    Throttled,
    Internal,
    PluginFailed,
    Unavailable,
}

/// The description of a type of problem.
pub(crate) struct Row {
    /// Last segment of `type`: `/problems/<slug>`.
    pub(crate) slug: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// Short and always the same.
    pub(crate) title: &'static str,
    /// What it means and what to do, shown on its page.
    pub(crate) explanation: &'static str,
}

impl ProblemType {
    /// Every type, by status.
    pub(crate) const ALL: [Self; 18] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Denied,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::Conflict,
        Self::Overtaken,
        Self::QuotaExceeded,
        Self::Stale,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::Unsupported,
        Self::Throttled,
        Self::Internal,
        Self::PluginFailed,
        Self::Unavailable,
    ];

    /// The table.
    #[rustfmt::skip]
    pub(crate) fn row(self) -> Row {
        let row = |status, slug, title, explanation| Row { slug, status, title, explanation };
        match self {
            Self::Malformed => row(400, "malformed-request", "The request cannot be read",
                "The body is not JSON, or a header is not well-formed. Nothing was changed. The detail names the position, never the content."),
            Self::Unauthenticated => row(401, "unauthenticated", "A valid token is needed",
                "There was no bearer token, or one that is mistyped, expired, revoked, or whose member was removed. Send `Authorization: Bearer brs_...`."),
            Self::Denied => row(403, "denied", "Your role does not allow this",
                "The token is good, but its role lacks the right, or the credential was made not revealable. The refusal is in the audit trail. Ask an admin of the account for a role that allows it."),
            Self::NotFound => row(404, "not-found", "There is no such thing",
                "There is nothing at this address, or it belongs to an account that you cannot enter: the answer is the same for both."),
            Self::MethodNotAllowed => row(405, "method-not-allowed", "The method is not allowed here",
                "The address exists, but does not support this method. The `Allow` header lists those it supports."),
            Self::BodyTimeout => row(408, "body-timeout", "The request's body took too long",
                "The body did not arrive in time. Nothing was changed; send it again."),
            Self::Conflict => row(409, "conflict", "Something is in the way",
                "The name is taken, or the resource is in use or deleted. See the detail and `errors`."),
            Self::Overtaken => row(409, "overtaken", "It kept changing",
                "Other requests kept changing it for the twenty seconds that this was tried. Nothing was changed; send it again."),
            Self::QuotaExceeded => row(409, "quota-exceeded", "The account's quota is used up",
                "The account has reached a quota that the operator set. The detail names the quota and how to make room."),
            Self::Stale => row(412, "stale", "It has changed since you read it",
                "`If-Match` named another revision than the present one, so nothing was changed. Read it again and decide again."),
            Self::TooLarge => row(413, "too-large", "The request's body is too large",
                "Bodies are limited to 256 KiB and 20,000 values and names, unless the operator configured other limits."),
            Self::UnsupportedMediaType => row(415, "unsupported-media-type", "The body's media type is not supported",
                "Send `Content-Type: application/json`; for PATCH also `application/merge-patch+json`. Compressed bodies are not accepted."),
            Self::Invalid => row(422, "invalid-input", "The input is not valid",
                "`errors` lists everything that is wrong: the place (a JSON Pointer into the body, or `?name` for a query parameter), a stable code, and the cure."),
            Self::Unsupported => row(422, "unsupported", "This is not supported here",
                "The credential's type, or this installation, does not support it."),
            Self::Throttled => row(429, "too-many-requests", "Too many requests",
                "The token, its account or the client's address exceeds a rate limit, or the token's other requests hold too much memory. `Retry-After` says how many seconds to wait."),
            Self::Internal => row(500, "internal", "Something failed on our side",
                "This is a defect or damaged data. The log has the cause under the request's id: include the id in your report."),
            Self::PluginFailed => row(502, "plugin-failed", "The plugin failed",
                "The credential type's plugin exceeded a limit or violated its contract. Other requests are not affected. The log names the plugin."),
            Self::Unavailable => row(503, "unavailable", "Not available at the moment",
                "The store or another component is not available, or the request took too long. `Retry-After` says how many seconds to wait."),
        }
    }

    /// The type whose page is at `/problems/<slug>`.
    pub(crate) fn by_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.row().slug == slug)
    }
}

impl From<Kind> for ProblemType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Invalid => Self::Invalid,
            Kind::Unauthenticated => Self::Unauthenticated,
            Kind::Denied => Self::Denied,
            Kind::NotFound => Self::NotFound,
            Kind::Conflict => Self::Conflict,
            Kind::Overtaken => Self::Overtaken,
            Kind::QuotaExceeded => Self::QuotaExceeded,
            Kind::Stale => Self::Stale,
            Kind::Unsupported => Self::Unsupported,
            Kind::Throttled => Self::Throttled,
            Kind::Unavailable => Self::Unavailable,
            Kind::Plugin => Self::PluginFailed,
            Kind::Internal => Self::Internal,
        }
    }
}

/// A failed request.
#[derive(Debug)]
pub(crate) struct Problem {
    of: ProblemType,
    error: Error,
}

impl Problem {
    /// A failure of HTTP itself, with a sentence for the caller.
    pub(crate) fn new(of: ProblemType, detail: &str) -> Self {
        // The kind of the inner error is not used: `of` decides.
        Self { of, error: Error::new(Kind::Internal, detail) }
    }

    /// Too many requests; retry after so many seconds.
    pub(crate) fn throttled(retry_after_seconds: u32, detail: &str) -> Self {
        let error = Error::new(Kind::Throttled, detail);
        Self::from(Error { retry_after_seconds: Some(retry_after_seconds), ..error })
    }

    /// Unavailable; retry after so many seconds.
    pub(crate) fn unavailable(retry_after_seconds: u32, detail: &str) -> Self {
        let error = Error::new(Kind::Unavailable, detail);
        Self::from(Error { retry_after_seconds: Some(retry_after_seconds), ..error })
    }

    /// The body, for a stream whose status was already sent. Logs the problem.
    pub(crate) fn report(&self, request_id: Option<String>) -> api::Problem {
        self.log();
        self.body(request_id)
    }

    /// The body, as documented.
    fn body(&self, request_id: Option<String>) -> api::Problem {
        let row = self.of.row();
        api::Problem {
            r#type: format!("/problems/{}", row.slug),
            title: row.title.to_owned(),
            status: row.status,
            detail: self.error.message.clone(),
            request_id,
            errors: self.violations(),
            conflicts: self.error.conflicts.iter().cloned().map(api::Conflict::from).collect(),
        }
    }

    /// The violations; a 422 has at least one.
    fn violations(&self) -> Vec<api::InputError> {
        let code = match self.of {
            ProblemType::Invalid => "invalid",
            ProblemType::Unsupported => "unsupported",
            _ => "",
        };
        let violations = if self.error.violations.is_empty() && !code.is_empty() {
            vec![Violation::new("", code, self.error.message.clone())]
        } else {
            self.error.violations.clone()
        };
        violations.into_iter().map(api::InputError::from).collect()
    }

    /// Logs a problem once: a server error with all its causes.
    fn log(&self) {
        let row = self.of.row();
        if row.status < 500 {
            tracing::debug!(problem = row.slug, "refused");
            return;
        }
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(&self.error);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        tracing::error!(problem = row.slug, detail = %self.error.message, causes = %causes.join(": "), "failed");
    }

    fn retry_after_seconds(&self) -> Option<u32> {
        match self.of {
            ProblemType::Throttled => Some(self.error.retry_after_seconds.unwrap_or(1).max(1)),
            ProblemType::Unavailable => Some(self.error.retry_after_seconds.unwrap_or(5).max(1)),
            _ => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { of: error.kind.into(), error }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let status = StatusCode::from_u16(self.of.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.body(request_id::current()))).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.of == ProblemType::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// RFC 9457, section 3.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for of in ProblemType::ALL {
            let row = of.row();
            assert!(StatusCode::from_u16(row.status).is_ok_and(|status| status.as_u16() >= 400), "{}", row.slug);
            assert_eq!(ProblemType::by_slug(row.slug), Some(of), "slugs are unique");
        }
    }

    #[test]
    fn kinds_have_the_contracts_status() {
        let status = |kind: Kind| ProblemType::from(kind).row().status;
        let kinds = [
            (Kind::Invalid, 422),
            (Kind::Unauthenticated, 401),
            (Kind::Denied, 403),
            (Kind::NotFound, 404),
            (Kind::Conflict, 409),
            (Kind::Overtaken, 409),
            (Kind::QuotaExceeded, 409),
            (Kind::Stale, 412),
            (Kind::Unsupported, 422),
            (Kind::Throttled, 429),
            (Kind::Unavailable, 503),
            (Kind::Plugin, 502),
            (Kind::Internal, 500),
        ];
        for (kind, expected) in kinds {
            assert_eq!(status(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn responses_say_what_clients_need() {
        let response = Problem::from(Error::new(Kind::Unauthenticated, "no")).into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let response = Problem::from(Error::new(Kind::Unavailable, "no")).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "5");
        let response = Problem::throttled(7, "slow down").into_response();
        assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (429, &HeaderValue::from(7)));
        let unsupported = Problem::from(Error::new(Kind::Unsupported, "cannot")).body(None);
        assert_eq!(unsupported.errors[0].code, "unsupported");
    }
}
